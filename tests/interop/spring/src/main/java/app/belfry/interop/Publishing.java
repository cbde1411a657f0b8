package app.belfry.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.messaging.simp.SimpMessagingTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/**
 * How the other systems of a company publish: to everybody, or to one person. What one person gets
 * is recorded, and {@code collectMessage} has it for as long as the server runs.
 */
@RestController
class Publishing {
  private final SimpMessagingTemplate template;
  private final List<Map<String, Object>> records = new ArrayList<>();

  Publishing(SimpMessagingTemplate template) {
    this.template = template;
  }

  @PostMapping("/publish/broadcast")
  Map<String, Object> publish(@RequestBody Map<String, Object> message) {
    template.convertAndSend("/topic/news", message);
    return Map.of();
  }

  @PostMapping("/publish/personal/{login}")
  Map<String, Object> publishTo(@PathVariable String login, @RequestBody Map<String, Object> message) {
    synchronized (records) {
      records.add(message);
    }
    template.convertAndSendToUser(login, "/queue/approvals", message);
    return Map.of();
  }

  @PostMapping("/api/message/collectMessage")
  Map<String, Object> collect(
      @RequestHeader("Authorization") String authorization, @RequestBody Map<String, Object> request) {
    if (SignIn.owner(SignIn.bearer(authorization)).isEmpty()) {
      throw new ResponseStatusException(HttpStatus.UNAUTHORIZED);
    }
    synchronized (records) {
      int limit = ((Number) request.get("limit")).intValue();
      var ids = records.stream().map(record -> record.get("id")).toList();
      var page = records.stream().skip(ids.indexOf(request.get("after")) + 1L).limit(limit).toList();
      return Map.of("code", 0, "data", Map.of("records", page));
    }
  }
}
