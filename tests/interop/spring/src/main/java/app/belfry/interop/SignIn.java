package app.belfry.interop;

import java.util.Optional;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.MessageDeliveryException;
import org.springframework.messaging.simp.stomp.StompCommand;
import org.springframework.messaging.simp.stomp.StompHeaderAccessor;
import org.springframework.messaging.support.ChannelInterceptor;
import org.springframework.messaging.support.MessageHeaderAccessor;
import org.springframework.stereotype.Component;

/**
 * Checks the token in a header of CONNECT, as Spring's documentation describes: in {@code
 * X-Auth-Token}, as a bearer token in {@code Authorization}, or as the passcode. The token of NAME
 * is {@code token-of-NAME}.
 */
@Component
class SignIn implements ChannelInterceptor {
  private static final String TOKEN = "token-of-";
  private static final String BEARER = "Bearer ";

  private final Options options;

  SignIn(Options options) {
    this.options = options;
  }

  /** Whose token this is. */
  static Optional<String> owner(String token) {
    return Optional.ofNullable(token).filter(it -> it.startsWith(TOKEN)).map(it -> it.substring(TOKEN.length()));
  }

  /** The token of an {@code Authorization} header. */
  static String bearer(String header) {
    return header != null && header.startsWith(BEARER) ? header.substring(BEARER.length()) : null;
  }

  @Override
  public Message<?> preSend(Message<?> message, MessageChannel channel) {
    var frame = MessageHeaderAccessor.getAccessor(message, StompHeaderAccessor.class);
    if (frame != null && StompCommand.CONNECT.equals(frame.getCommand())) {
      String login =
          owner(frame.getFirstNativeHeader("X-Auth-Token"))
              .or(() -> owner(bearer(frame.getFirstNativeHeader("Authorization"))))
              .or(() -> owner(frame.getPasscode()))
              .orElseThrow(this::refusal);
      if (options.namesUsers()) {
        frame.setUser(() -> login);
      }
    }
    return message;
  }

  /** Spring passes on the text of a MessagingException only. */
  private RuntimeException refusal() {
    return options.refusal().isEmpty()
        ? new IllegalArgumentException("the token is not valid")
        : new MessageDeliveryException(options.refusal());
  }
}
