package app.belfry.interop;

import java.util.List;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.security.AuthenticationUser;
import org.apache.activemq.security.SimpleAuthenticationPlugin;

/**
 * ActiveMQ Classic with STOMP over WebSocket, for {@code cargo xtask interop}. Queues and virtual topics
 * come into being when they are used, as with the configuration that it is delivered with.
 *
 * <p>Arguments: port, data folder, login, password. Prints {@code {"ready":true}} once it serves.
 */
public class Classic {
  public static void main(String[] args) throws Exception {
    String port = args[0];
    String data = args[1];
    String login = args[2];
    String password = args[3];

    var broker = new BrokerService();
    broker.setBrokerName("belfry");
    broker.setDataDirectory(data);
    broker.setUseJmx(false);
    broker.setUseShutdownHook(true);
    broker.getSystemUsage().getStoreUsage().setLimit(256 << 20); // So that it needs no large disk.
    broker.getSystemUsage().getTempUsage().setLimit(64 << 20);
    var people =
        List.of(
            new AuthenticationUser(login, password, "staff"),
            new AuthenticationUser("sender", password, "staff"));
    broker.setPlugins(new BrokerPlugin[] {new SimpleAuthenticationPlugin(people)});
    broker.addConnector("ws://127.0.0.1:" + port);
    broker.start();
    if (!broker.waitUntilStarted()) {
      throw new IllegalStateException("the broker does not start", broker.getStartException());
    }
    System.out.println("{\"ready\":true}");
    broker.waitUntilStopped();
  }
}
