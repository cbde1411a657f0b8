package app.belfry.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.messaging.simp.broker.BrokerAvailabilityEvent;

/**
 * The Spring row of {@code cargo xtask interop}: an ordinary Spring Boot server with STOMP over
 * WebSocket, as the documentation of Spring sets it up. Options.java has what can be chosen.
 *
 * <p>Prints {@code {"ready":true,"port":N}} once it serves and its broker is available.
 */
@SpringBootApplication
@ConfigurationPropertiesScan
public class Server {
  private final Environment environment;
  private boolean isServing;
  private boolean isBrokerAvailable;

  Server(Environment environment) {
    this.environment = environment;
  }

  public static void main(String[] args) {
    SpringApplication.run(Server.class, args);
  }

  @EventListener
  synchronized void handleReady(ApplicationReadyEvent event) {
    isServing = true;
    sayReady();
  }

  @EventListener
  synchronized void handleAvailability(BrokerAvailabilityEvent event) {
    isBrokerAvailable = event.isBrokerAvailable();
    sayReady();
  }

  private void sayReady() {
    if (isServing && isBrokerAvailable) {
      System.out.println("{\"ready\":true,\"port\":" + environment.getProperty("local.server.port") + "}");
    }
  }
}
