-- How often the daemon died while a turn ran: among others, where any of them may be the cause, and alone.
ALTER TABLE turn ADD COLUMN suspected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turn ADD COLUMN crashed INTEGER NOT NULL DEFAULT 0;
