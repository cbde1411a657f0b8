package app.belfry.interop;

import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.MessageHandler;
import org.springframework.messaging.simp.SimpMessageHeaderAccessor;
import org.springframework.messaging.simp.SimpMessageType;
import org.springframework.messaging.simp.broker.SimpleBrokerMessageHandler;
import org.springframework.messaging.simp.user.UserDestinationMessageHandler;
import org.springframework.messaging.support.ExecutorChannelInterceptor;
import org.springframework.stereotype.Component;

/**
 * Holds SUBSCRIBE on its way to the broker. Spring handles frames in a pool of threads, so on a busy
 * server a subscription takes effect after a later HTTP call was answered.
 */
@Component
class LateSubscribe implements ExecutorChannelInterceptor {
  private final Options options;

  LateSubscribe(Options options) {
    this.options = options;
  }

  @Override
  public Message<?> beforeHandle(Message<?> message, MessageChannel channel, MessageHandler handler) {
    var type = SimpMessageHeaderAccessor.getMessageType(message.getHeaders());
    boolean subscribes = handler instanceof SimpleBrokerMessageHandler || handler instanceof UserDestinationMessageHandler;
    if (type == SimpMessageType.SUBSCRIBE && subscribes) {
      try {
        Thread.sleep(options.subscribeDelay().toMillis());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    return message;
  }
}
