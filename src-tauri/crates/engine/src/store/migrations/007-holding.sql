-- Until when a person has paused notifications.
ALTER TABLE account ADD COLUMN paused_until INTEGER;

-- What quiet hours or a pause hold back until they end.
CREATE INDEX notices_held ON notices (seq)
    WHERE alert = 'suppressed' AND alert_why IN ('quiet-hours', 'paused') AND read = 0 AND state = 'open';
