ALTER TABLE account RENAME COLUMN unsaid TO first_unannounced;
