package app.belfry.interop;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.simp.SimpMessageType;
import org.springframework.messaging.simp.stomp.StompHeaderAccessor;
import org.springframework.messaging.support.ChannelInterceptor;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.stereotype.Component;

/**
 * Hands SUBSCRIBE on later. Spring handles frames in a pool of threads, so on a busy server a
 * subscription takes effect after a later HTTP call was answered.
 */
@Component
class LateSubscribe implements ChannelInterceptor {
  private static final String WAS_HELD = "belfry-was-held";

  private final Options options;

  LateSubscribe(Options options) {
    this.options = options;
  }

  @Override
  public Message<?> preSend(Message<?> message, MessageChannel channel) {
    var frame = StompHeaderAccessor.wrap(message);
    boolean passes = frame.getMessageType() != SimpMessageType.SUBSCRIBE || frame.getHeader(WAS_HELD) != null;
    if (passes || options.subscribeDelay().isZero()) {
      return message;
    }
    frame.setHeader(WAS_HELD, true);
    var held = MessageBuilder.createMessage(message.getPayload(), frame.getMessageHeaders());
    CompletableFuture.delayedExecutor(options.subscribeDelay().toMillis(), TimeUnit.MILLISECONDS)
        .execute(() -> channel.send(held));
    return null;
  }
}
