-- What quiet hours, a pause or the lack of a notification service hold back.
DROP INDEX notices_held;
CREATE INDEX notices_held ON notices (seq)
    WHERE alert = 'suppressed' AND alert_why IN ('quiet-hours', 'paused', 'no-service') AND read = 0 AND state = 'open';
