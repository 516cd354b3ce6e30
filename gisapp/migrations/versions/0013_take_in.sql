-- Rows of a stage that are to be inserted enter their layer, a hundred thousand a statement, which bounds what the
-- server remembers for foreign keys: what the row triggers b1_stamp and b2_territory do for one row is done here for the
-- set, and they rest meanwhile; every other trigger and constraint stays. Other writers to the layer wait, readers do
-- not. `columns` are those of the layer that the stage brings.
CREATE FUNCTION gisapp.take_in(import uuid, layer text, columns text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stage text := format('staging.%I', 'i_' || replace(import::text, '-', ''));
    target regclass := format('layers.%I', layer)::regclass;
    resting text[] := ARRAY(SELECT tgname::text FROM pg_trigger
                             WHERE tgrelid = target AND tgname IN ('b1_stamp', 'b2_territory') AND tgenabled = 'O');
    assigned boolean := 'b2_territory' = ANY (resting);
    stand_in text := (SELECT nullif(split_part(encode(tgargs, 'escape'), '\000', 1), '') FROM pg_trigger
                       WHERE tgrelid = target AND tgname = 'b2_territory');
    names text := (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) AS c);
    -- A column that must hold something holds its default where the row has nothing.
    given text := (SELECT string_agg(CASE WHEN d.adbin IS NULL OR NOT a.attnotnull THEN 's.' || quote_ident(c)
                              ELSE format('coalesce(s.%I, %s)', c, pg_get_expr(d.adbin, d.adrelid)) END, ', ' ORDER BY n)
                     FROM unnest(columns) WITH ORDINALITY AS u (c, n)
                     JOIN pg_attribute AS a ON a.attrelid = target AND a.attname = c AND a.attnum > 0
                     LEFT JOIN pg_attrdef AS d ON d.adrelid = target AND d.adnum = a.attnum);
    codes text := '';
    places text := '';
    one text;
    adding text;
    first integer;
    last integer;
    part bigint;
    count bigint := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = take_in.layer) OR NOT 'b1_stamp' = ANY (resting) THEN
        RAISE EXCEPTION 'no such layer, or its triggers are off';
    END IF;
    IF assigned THEN
        codes := ', district_code, street_code, community_code, grid_code, squadron_code';
        FOREACH one IN ARRAY ARRAY['districts', 'streets', 'communities', 'unit_grids', 'squadron_territories'] LOOP
            places := places || format(', (SELECT min(code) FROM layers.%I WHERE ST_Covers(geom, s._place))', one);
        END LOOP;
    END IF;
    FOREACH one IN ARRAY resting LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', target, one);
    END LOOP;
    adding := format(
        'INSERT INTO %1$s (id, %2$s, version, created_at, created_by, updated_at, updated_by%3$s)
         SELECT s.id, %4$s, coalesce((SELECT max(h.version) FROM layers.%5$I AS h WHERE h.id = s.id), 0) + 1,
                now(), gisapp.acting_user(), clock_timestamp(), gisapp.acting_user()%6$s
           FROM (SELECT q.*, gisapp.place_of(%7$s) AS _place FROM %8$s AS q
                  WHERE q._line >= $1 AND q._line < $1 + 100000 AND q._verdict <> ''refused'' AND q._act = ''insert''
                  ORDER BY %7$s OFFSET 0) AS s',
        target, names, codes, given, layer || '_history', places,
        CASE WHEN stand_in IS NULL THEN 'q.geom' ELSE format('coalesce(q.geom, q.%I)', stand_in) END, stage);
    EXECUTE format('SELECT coalesce(max(_line), -1) FROM %s', stage) INTO last;
    FOR first IN SELECT generate_series(0, last, 100000) LOOP
        EXECUTE adding USING first;
        GET DIAGNOSTICS part = ROW_COUNT;
        count := count + part;
    END LOOP;
    FOREACH one IN ARRAY resting LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', target, one);
    END LOOP;
    RETURN count;
END $$;
REVOKE EXECUTE ON FUNCTION gisapp.take_in(uuid, text, text[]) FROM PUBLIC;
SELECT gisapp.grant_app('GRANT EXECUTE ON FUNCTION gisapp.take_in(uuid, text, text[])');
