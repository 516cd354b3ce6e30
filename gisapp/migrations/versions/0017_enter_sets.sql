-- Rows of a stage enter their layer as a set, beside other writers.

-- Whether rows may enter a layer as a set, with its triggers at rest and so without waiting for other writers or making
-- them wait: only where the server lets this owner do so, and where it is known what every trigger would have done.
CREATE FUNCTION gisapp.may_enter_as_set(target regclass) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT has_parameter_privilege(current_user, 'session_replication_role', 'SET')
       AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND NOT tgisinternal AND (tgenabled <> 'O'
               OR tgname <> ALL ('{b1_stamp,b2_territory,b3_codes,h1_insert,h2_update,h3_delete,m1_insert,m2_update,
                                   m3_delete,m4_truncate,t1_truncate}')))
       AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = target AND tgname IN ('b1_stamp', 'h1_insert', 'm1_insert')) = 3
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND contype = 'f' AND cardinality(conkey) <> 1)
$$;

-- What a stage gives to each of `columns` of a layer, as SQL over its row `s`: a column that must hold something holds
-- its default where the row has nothing. Columns that are not brought have their default.
CREATE FUNCTION gisapp.given_values(target regclass, columns text[], OUT name text, OUT value text, OUT brought boolean)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.attname,
           CASE WHEN b IS NULL THEN pg_get_expr(d.adbin, d.adrelid)
                WHEN d.adbin IS NULL OR NOT a.attnotnull THEN format('s.%I', a.attname)
                ELSE format('coalesce(s.%I, %s)', a.attname, pg_get_expr(d.adbin, d.adrelid)) END,
           b IS NOT NULL
      FROM pg_attribute AS a
      LEFT JOIN unnest(columns) AS b ON b = a.attname
      LEFT JOIN pg_attrdef AS d ON d.adrelid = target AND d.adnum = a.attnum
     WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
$$;

-- Prove for all rows of a stage that enter what foreign keys and b3_codes ask of each: that every code is one of its
-- list. The lists' rows are locked as foreign keys lock them, so that none goes before this transaction ends.
CREATE FUNCTION gisapp.prove_codes(stage text, target regclass, columns text[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    one record;
    known text[];
    faults text[] := '{}';
    wrong text;
BEGIN
    FOR one IN
        WITH listed AS (
            SELECT c.conname::text AS rule, a.attname::text AS column, c.confrelid::regclass AS list,
                   r.attname::text AS key, false AS many
              FROM pg_constraint AS c
              JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
              JOIN pg_attribute AS r ON r.attrelid = c.confrelid AND r.attnum = c.confkey[1]
             WHERE c.conrelid = target AND c.contype = 'f'
            UNION ALL
            SELECT 'b3_codes', words[n], format('codes.%I', words[n + 1])::regclass, 'code', true
              FROM (SELECT string_to_array(encode(tgargs, 'escape'), '\000') AS words FROM pg_trigger
                     WHERE tgrelid = target AND tgname = 'b3_codes') AS t,
                   generate_series(1, cardinality(words) - 2, 2) AS n
        )
        SELECT l.*, g.value FROM listed AS l JOIN gisapp.given_values(target, columns) AS g ON g.name = l.column
         WHERE g.value IS NOT NULL ORDER BY l.list::text, l.rule
    LOOP
        EXECUTE format('SELECT coalesce(array_agg(q.key), ''{}'') FROM (SELECT %I::text AS key FROM %s FOR KEY SHARE) AS q',
                       one.key, one.list) INTO known;
        faults := faults || format(CASE WHEN one.many
            THEN 'WHEN %1$s IS NOT NULL AND (NOT %1$s <@ %2$L::text[] OR array_position(%1$s, NULL) IS NOT NULL) THEN %3$L'
            ELSE 'WHEN %1$s <> ALL (%2$L::text[]) THEN %3$L' END, one.value, known, one.rule || '.' || one.column);
    END LOOP;
    IF faults <> '{}' THEN
        EXECUTE format('SELECT fault FROM (SELECT CASE %s END AS fault FROM %s AS s
            WHERE s._verdict <> ''refused'' AND s._act = ''insert'' OFFSET 0) AS q WHERE fault IS NOT NULL LIMIT 1',
            array_to_string(faults, ' '), stage) INTO wrong;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'a row of the import breaks %', wrong USING ERRCODE = 'foreign_key_violation',
                CONSTRAINT = split_part(wrong, '.', 1), COLUMN = split_part(wrong, '.', 2), TABLE = target::text;
        END IF;
    END IF;
END $$;

-- SQL for the territory codes of the place `s._place`; nothing for a layer without them.
CREATE FUNCTION gisapp.territory_sql(target regclass, OUT names text, OUT places text) LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(string_agg(', ' || name, '' ORDER BY n), ''),
           coalesce(string_agg(format(', (SELECT min(code) FROM layers.%I WHERE ST_Covers(geom, s._place))', area), ''
                               ORDER BY n), '')
      FROM unnest(ARRAY['district_code', 'street_code', 'community_code', 'grid_code', 'squadron_code'],
                  ARRAY['districts', 'streets', 'communities', 'unit_grids', 'squadron_territories'])
           WITH ORDINALITY AS u (name, area, n)
     WHERE EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgname = 'b2_territory')
$$;

-- SQL for the place of a row `q`: of its main geometry, else of the one that stands in.
CREATE FUNCTION gisapp.place_sql(target regclass) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT format('coalesce(q.geom, q.%I)', nullif(split_part(encode(tgargs, 'escape'), '\000', 1), ''))
                       FROM pg_trigger WHERE tgrelid = target AND tgname = 'b2_territory'
                        AND split_part(encode(tgargs, 'escape'), '\000', 1) <> ''), 'q.geom')
$$;

-- SQL that lets the lines $1 to before $2 of a stage enter their layer in the name of $3 at the moment $4, stamped and
-- assigned as b1_stamp and b2_territory would.
CREATE FUNCTION gisapp.entering_sql(stage text, layer text, columns text[]) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target regclass := format('layers.%I', layer)::regclass;
    names text;
    given text;
    territory record;
BEGIN
    SELECT string_agg(quote_ident(g.name), ', ' ORDER BY g.name), string_agg(g.value, ', ' ORDER BY g.name)
      INTO names, given FROM gisapp.given_values(target, columns) AS g WHERE g.brought;
    SELECT * INTO territory FROM gisapp.territory_sql(target);
    RETURN format($sql$
        INSERT INTO %1$s (id, %2$s, version, created_at, created_by, updated_at, updated_by%3$s)
        SELECT s.id, %4$s, coalesce(p.version, 0) + 1, coalesce(p.created_at, now()), coalesce(p.created_by, $3),
               $4, $3%5$s
          FROM (SELECT q.*, gisapp.place_of(%6$s) AS _place FROM %7$s AS q
                 WHERE q._line >= $1 AND q._line < $2 AND q._verdict <> 'refused' AND q._act = 'insert'
                 ORDER BY %6$s OFFSET 0) AS s
          LEFT JOIN LATERAL (SELECT h.version, h.created_at, h.created_by FROM layers.%8$I AS h WHERE h.id = s.id
                              ORDER BY h.version DESC LIMIT 1) AS p ON true$sql$,
        target, names, territory.names, given, territory.places, gisapp.place_sql(target), stage, layer || '_history');
END $$;

-- Rows of a stage that are to be inserted enter their layer, so many lines of it a statement: what the layer's triggers
-- do for one row is done here for the set, while they rest for this transaction alone. What tiles have to know of the
-- rows is left in the temporary table `entered`. Plans are tied to the indexes: of tables that are being filled there
-- are no figures to choose by.
CREATE FUNCTION gisapp.enter_lines(stage text, layer text, columns text[], lines integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET work_mem = '128MB'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    copied text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                     WHERE attrelid = format('layers.%I', layer)::regclass AND attnum > 0 AND NOT attisdropped
                       AND attname <> 'geom_3857');
    entering text := format($sql$
        WITH fresh AS (%1$s RETURNING *), kept AS (
            INSERT INTO layers.%2$I (%3$s, changed_by, request_id, db_user, operation, valid_from, valid_to)
            SELECT %3$s, $3, nullif(current_setting('gisapp.request', true), ''), session_user, 'insert', $4, 'infinity'
              FROM fresh
        )
        INSERT INTO pg_temp.entered %4$s$sql$,
        gisapp.entering_sql(stage, layer, columns), layer || '_history', copied,
        (SELECT gisapp.tile_source_sql(w, 1, 'fresh') FROM gisapp.watched_layers AS w
          WHERE w.layer = enter_lines.layer));
    first integer;
    last integer;
    part bigint;
    count bigint := 0;
BEGIN
    EXECUTE format('SELECT coalesce(max(_line), -1) FROM %s', stage) INTO last;
    FOR first IN SELECT generate_series(0, last, lines) LOOP
        EXECUTE entering USING first, first + lines, gisapp.acting_user(), clock_timestamp();
        GET DIAGNOSTICS part = ROW_COUNT;
        count := count + part;
    END LOOP;
    RETURN count;
END $$;

-- The same for all that is to be inserted, with what tiles are drawn from.
CREATE FUNCTION gisapp.enter_set(stage text, layer text, columns text[]) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    source text := 'SELECT sign, id, shape, district_code, status, kind FROM pg_temp.entered';
    is_lines boolean := (SELECT w.is_lines FROM gisapp.watched_layers AS w WHERE w.layer = enter_set.layer);
    count bigint;
BEGIN
    CREATE TEMP TABLE entered (sign integer, id uuid, shape geometry, district_code text, status text, kind text)
        ON COMMIT DROP;
    PERFORM set_config('session_replication_role', 'replica', true);
    count := gisapp.enter_lines(stage, layer, columns, 50000);
    PERFORM set_config('session_replication_role', 'origin', true);
    ANALYZE pg_temp.entered;
    IF is_lines THEN
        EXECUTE format('INSERT INTO tiles.%I (id, piece) SELECT id, gisapp.pieces_of(shape) FROM pg_temp.entered
            WHERE shape IS NOT NULL', layer);
    END IF;
    EXECUTE gisapp.tile_change_sql(layer, source);
    EXECUTE gisapp.tile_count_sql(layer, is_lines, source);
    DROP TABLE pg_temp.entered;
    RETURN count;
END $$;

-- The same where the server does not let triggers rest so: b1_stamp and b2_territory alone do, for which other writers
-- to the layer must wait; every other trigger and constraint stays. A hundred thousand lines a statement bound what the
-- server remembers for foreign keys.
CREATE FUNCTION gisapp.enter_by_triggers(stage text, layer text, columns text[]) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target regclass := format('layers.%I', layer)::regclass;
    resting text[] := ARRAY(SELECT tgname::text FROM pg_trigger
                             WHERE tgrelid = target AND tgname IN ('b1_stamp', 'b2_territory') AND tgenabled = 'O');
    one text;
    entering text := gisapp.entering_sql(stage, layer, columns);
    first integer;
    last integer;
    part bigint;
    count bigint := 0;
BEGIN
    IF NOT 'b1_stamp' = ANY (resting) THEN
        RAISE EXCEPTION 'the triggers of this layer are off';
    END IF;
    FOREACH one IN ARRAY resting LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', target, one);
    END LOOP;
    EXECUTE format('SELECT coalesce(max(_line), -1) FROM %s', stage) INTO last;
    FOR first IN SELECT generate_series(0, last, 100000) LOOP
        EXECUTE entering USING first, first + 100000, gisapp.acting_user(), clock_timestamp();
        GET DIAGNOSTICS part = ROW_COUNT;
        count := count + part;
    END LOOP;
    FOREACH one IN ARRAY resting LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', target, one);
    END LOOP;
    RETURN count;
END $$;

-- Rows of a stage that are to be inserted enter their layer. `columns` are those of the layer that the stage brings.
-- Nobody changes the stage meanwhile, so that what is proved of its rows holds for those that enter.
CREATE OR REPLACE FUNCTION gisapp.take_in(import uuid, layer text, columns text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stage text := format('staging.%I', 'i_' || replace(import::text, '-', ''));
    target regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = take_in.layer) THEN
        RAISE EXCEPTION 'no such layer';
    END IF;
    target := format('layers.%I', layer)::regclass;
    EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', stage);
    IF NOT gisapp.may_enter_as_set(target) THEN
        RETURN gisapp.enter_by_triggers(stage, layer, columns);
    END IF;
    PERFORM gisapp.prove_codes(stage, target, columns);
    RETURN gisapp.enter_set(stage, layer, columns);
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.may_enter_as_set(regclass), gisapp.given_values(regclass, text[]),
    gisapp.prove_codes(text, regclass, text[]), gisapp.territory_sql(regclass), gisapp.place_sql(regclass),
    gisapp.entering_sql(text, text, text[]), gisapp.enter_lines(text, text, text[], integer),
    gisapp.enter_set(text, text, text[]), gisapp.enter_by_triggers(text, text, text[]) FROM PUBLIC;

-- Few features have a second geometry: those without one are left out of its index.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition, a.attname AS column
          FROM pg_index AS i
          JOIN pg_class AS c ON c.oid = i.indrelid AND c.relnamespace = 'layers'::regnamespace
          JOIN pg_class AS x ON x.oid = i.indexrelid
          JOIN pg_am AS m ON m.oid = x.relam AND m.amname = 'gist'
          JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
         WHERE a.attname NOT IN ('geom', 'geom_3857') AND i.indpred IS NULL
    LOOP
        EXECUTE format('DROP INDEX %s', one.name);
        EXECUTE format('%s WHERE %I IS NOT NULL', one.definition, one.column);
    END LOOP;
END $$;
