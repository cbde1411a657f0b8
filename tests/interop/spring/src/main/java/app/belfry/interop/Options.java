package app.belfry.interop;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * What differs between Spring servers in the field.
 *
 * @param heartBeat interval both ways, zero for a broker without a scheduler: it grants 0,0
 * @param namesUsers whether the interceptor sets the principal, so that CONNECTED has user-name
 * @param refusal what a refused CONNECT is told; empty for the text of Spring itself
 * @param relayPort STOMP port of the broker behind this server, 0 for the simple broker
 * @param subscribeDelay how long after it was received a SUBSCRIBE takes effect
 */
@ConfigurationProperties("belfry")
record Options(
    Duration heartBeat, boolean namesUsers, String refusal, int relayPort, Duration subscribeDelay) {}
