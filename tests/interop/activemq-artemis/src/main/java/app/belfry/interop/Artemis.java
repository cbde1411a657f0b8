package app.belfry.interop;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.apache.activemq.artemis.api.core.QueueConfiguration;
import org.apache.activemq.artemis.api.core.RoutingType;
import org.apache.activemq.artemis.core.config.CoreAddressConfiguration;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.config.impl.SecurityConfiguration;
import org.apache.activemq.artemis.core.security.Role;
import org.apache.activemq.artemis.core.server.JournalType;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.spi.core.security.ActiveMQJAASSecurityManager;
import org.apache.activemq.artemis.spi.core.security.jaas.InVMLoginModule;

/**
 * ActiveMQ Artemis with STOMP over WebSocket, for {@code cargo xtask interop}: a queue for one person,
 * and a topic with a durable queue for that person, as an administrator sets them up.
 *
 * <p>Arguments: port, data folder, login, password. Prints {@code {"ready":true}} once it serves.
 */
public class Artemis {
  public static void main(String[] args) throws Exception {
    String port = args[0];
    Path data = Path.of(args[1]);
    String login = args[2];
    String password = args[3];

    var configuration = new ConfigurationImpl();
    configuration.setJournalType(JournalType.NIO);
    configuration.setJournalDirectory(data.resolve("journal").toString());
    configuration.setBindingsDirectory(data.resolve("bindings").toString());
    configuration.setLargeMessagesDirectory(data.resolve("large").toString());
    configuration.setPagingDirectory(data.resolve("paging").toString());
    configuration.setJMXManagementEnabled(false);
    configuration.setMaxDiskUsage(-1); // A disk that is nearly full is not what is tried here.
    configuration.addAcceptorConfiguration(
        "stomp",
        "tcp://127.0.0.1:" + port + "?protocols=STOMP;anycastPrefix=/queue/;multicastPrefix=/topic/");
    configuration.addAddressConfiguration(address("approvals." + login, "approvals." + login, RoutingType.ANYCAST));
    configuration.addAddressConfiguration(address("news", "belfry." + login, RoutingType.MULTICAST));
    String everything = "#";
    var role = new Role("staff", true, true, true, true, true, true, true, true, true, true, false, false);
    configuration.setSecurityRoles(Map.of(everything, Set.of(role)));

    var people = new SecurityConfiguration();
    people.addUser(login, password);
    people.addRole(login, "staff");
    people.addUser("sender", password);
    people.addRole("sender", "staff");

    var server = new EmbeddedActiveMQ();
    server.setConfiguration(configuration);
    server.setSecurityManager(new ActiveMQJAASSecurityManager(InVMLoginModule.class.getName(), people));
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server)));
    System.out.println("{\"ready\":true}");
  }

  private static CoreAddressConfiguration address(String address, String queue, RoutingType type) {
    return new CoreAddressConfiguration()
        .setName(address)
        .addRoutingType(type)
        .addQueueConfiguration(new QueueConfiguration(queue).setAddress(address).setRoutingType(type).setDurable(true));
  }

  private static void stop(EmbeddedActiveMQ server) {
    try {
      server.stop();
    } catch (Exception failure) {
      throw new IllegalStateException(failure);
    }
  }
}
