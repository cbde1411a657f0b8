package app.belfry.interop;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.messaging.simp.config.ChannelRegistration;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;

/**
 * The endpoints {@code /ws} (a plain WebSocket) and {@code /sockjs} (framed, and below {@code
 * /sockjs/websocket} unframed), and the broker: Spring's own, or a relay to another one.
 */
@Configuration
@EnableWebSocketMessageBroker
class Messaging implements WebSocketMessageBrokerConfigurer {
  private final Options options;
  private final SignIn signIn;
  private final LateSubscribe lateSubscribe;

  Messaging(Options options, SignIn signIn, LateSubscribe lateSubscribe) {
    this.options = options;
    this.signIn = signIn;
    this.lateSubscribe = lateSubscribe;
  }

  @Override
  public void registerStompEndpoints(StompEndpointRegistry registry) {
    registry.addEndpoint("/ws");
    registry.addEndpoint("/sockjs").withSockJS();
  }

  @Override
  public void configureMessageBroker(MessageBrokerRegistry registry) {
    if (options.relayPort() != 0) {
      registry
          .enableStompBrokerRelay("/topic", "/queue", "/exchange", "/amq/queue")
          .setRelayHost("127.0.0.1")
          .setRelayPort(options.relayPort());
      return;
    }
    var broker = registry.enableSimpleBroker("/topic", "/queue");
    if (!options.heartBeat().isZero()) {
      long interval = options.heartBeat().toMillis();
      broker.setTaskScheduler(brokerScheduler()).setHeartbeatValue(new long[] {interval, interval});
    }
  }

  @Override
  public void configureClientInboundChannel(ChannelRegistration registration) {
    registration.interceptors(signIn, lateSubscribe);
  }

  @Bean
  ThreadPoolTaskScheduler brokerScheduler() {
    return new ThreadPoolTaskScheduler();
  }
}
