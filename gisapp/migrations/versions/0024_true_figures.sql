-- What every statement on a layer leaves in its history, so written that no plan of it compares every row with every other: of
-- the tables that were filled just now there are no figures to plan by. As it was, otherwise.
CREATE OR REPLACE FUNCTION gisapp.record_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = on SET enable_mergejoin = off
SET work_mem = '128MB' AS $$
DECLARE
    history text := format('layers.%I', TG_TABLE_NAME || '_history');
    moment timestamptz := clock_timestamp();
    columns text;
    source text;
    closing text;
    adding text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg('r.' || quote_ident(attname), ', ' ORDER BY attnum)
      INTO columns, source
      FROM pg_attribute
     WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attname <> 'geom_3857';
    -- The version that ends is looked up for each row, whatever is known of the table (OFFSET 0 keeps it so): a guess that
    -- hardly any is valid would let all that are be gone through for each row. How many rows there are is known exactly, and
    -- a key of the history finds one each, so that what follows is planned by true figures.
    closing := format(
        'WITH due AS MATERIALIZED (
            SELECT o.id, h.history_id, greatest($1, h.valid_from + interval ''1 microsecond'') AS moment
              FROM old_rows AS o
             CROSS JOIN LATERAL (SELECT c.history_id, c.valid_from FROM %1$s AS c
                                  WHERE c.id = o.id AND c.valid_to = ''infinity'' OFFSET 0) AS h
        ), closed AS (
            UPDATE %1$s AS h SET valid_to = d.moment FROM due AS d WHERE h.history_id = d.history_id
            RETURNING d.id, d.moment
        ) ', history);
    adding := format('INSERT INTO %s (%s, changed_by, request_id, db_user, operation, valid_from, valid_to)
        SELECT %s, gisapp.acting_user(), nullif(current_setting(''gisapp.request'', true), ''''), session_user, ',
        history, columns, source);
    IF TG_OP = 'INSERT' THEN
        EXECUTE adding || '''insert'', $1, ''infinity'' FROM new_rows AS r' USING moment;
    ELSIF TG_OP = 'UPDATE' THEN
        EXECUTE closing || adding || '''update'', coalesce(c.moment, $1), ''infinity''
            FROM new_rows AS r LEFT JOIN closed AS c ON c.id = r.id' USING moment;
    ELSE
        EXECUTE closing || adding || '''delete'', coalesce(c.moment, $1), coalesce(c.moment, $1)
            FROM old_rows AS r LEFT JOIN closed AS c ON c.id = r.id' USING moment;
    END IF;
    RETURN NULL;
END $$;
