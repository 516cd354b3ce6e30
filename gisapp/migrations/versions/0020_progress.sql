-- How far a job is, honestly: when that was last told anew, and how many lines of history have taken their number. Each
-- write takes one, and a sequence is seen by all before the transaction that moves it has ended.
ALTER TABLE gisapp.jobs ADD COLUMN moved_at timestamptz;

CREATE FUNCTION gisapp.history_reached(layer text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(pg_sequence_last_value(
               pg_get_serial_sequence(format('layers.%I', w.layer || '_history'), 'history_id')::regclass), 0)
      FROM gisapp.watched_layers AS w WHERE w.layer = history_reached.layer
$$;
REVOKE EXECUTE ON FUNCTION gisapp.history_reached(text) FROM PUBLIC;
SELECT gisapp.grant_app('GRANT EXECUTE ON FUNCTION gisapp.history_reached(text)');
