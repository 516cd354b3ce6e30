-- Very many rows are made ready by one connection while another lets those that are ready enter: what follows from a row
-- (territory, version, shape in Web Mercator, counts behind tiles) needs no lock of the layer and no open transaction of the
-- import. Nothing here is evidence before it has entered: a crash empties it, and the import begins anew.
--
-- Beside the stage i_… of an import stand, while it enters: r_… the rows as the layer will hold them, g_… the squares of the
-- map (0019), n_…, f_… and w_… what counts, facets and revisions of tiles have to know, l_… the pieces of lines.

DROP FUNCTION gisapp.enter_set(text, text, text[]), gisapp.enter_lines(text, text, text[], integer),
    gisapp.prove_codes(text, regclass, text[]);

-- The name of a table beside the stage of an import.
CREATE FUNCTION gisapp.beside_stage(import uuid, letter text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT format('staging.%I', letter || '_' || replace(import::text, '-', ''))
$$;

CREATE FUNCTION gisapp.drop_ready(import uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    letter text;
BEGIN
    FOREACH letter IN ARRAY ARRAY['r', 'g', 'n', 'f', 'w', 'l'] LOOP
        IF to_regclass(gisapp.beside_stage(import, letter)) IS NOT NULL THEN
            EXECUTE format('DROP TABLE %s', gisapp.beside_stage(import, letter));
        END IF;
    END LOOP;
END $$;

-- As it was, with what stands beside the stage.
CREATE OR REPLACE FUNCTION gisapp.drop_stage(import uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %s', gisapp.beside_stage(import, 'i'));
    PERFORM gisapp.drop_ready(import);
END $$;

-- The columns of a layer in their order, with their types, the SQL of those that the database computes, and whether a row that
-- enters brings them.
CREATE FUNCTION gisapp.layer_columns(target regclass, OUT name text, OUT kind text, OUT computed text,
                                     OUT stored boolean, OUT n smallint)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, a.attgenerated = '', a.attnum
      FROM pg_attribute AS a
      LEFT JOIN pg_attrdef AS d ON d.adrelid = target AND d.adnum = a.attnum
     WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- SQL for the rows of the lines $1 to before $2 of a stage as the layer will hold them: territories as b2_territory would
-- assign them, version, and day and author of the first entry (NULL for a new feature) as b1_stamp would. Stamps of this
-- entry are set when it comes.
CREATE FUNCTION gisapp.ready_sql(import uuid, layer text, columns text[]) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target regclass := format('layers.%I', layer)::regclass;
    codes text[] := ARRAY(SELECT name FROM gisapp.territories()
                           WHERE EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgname = 'b2_territory'));
    squares text := gisapp.beside_stage(import, 'g');
    square text := '';
    side double precision;
    held text;
BEGIN
    SELECT string_agg(CASE
               WHEN c.name = 'id' THEN 's.id'
               WHEN c.name = 'version' THEN 'coalesce(p.version, 0) + 1 AS version'
               WHEN c.name IN ('created_at', 'created_by') THEN format('p.%1$I AS %1$I', c.name)
               WHEN c.name IN ('updated_at', 'updated_by') OR g.value IS NULL AND c.name <> ALL (codes)
                   THEN format('NULL::%s AS %I', c.kind, c.name)
               WHEN c.name = ANY (codes) THEN format('CASE WHEN g.%1$s_known THEN g.%1$s
                   ELSE (SELECT min(code) FROM layers.%2$I WHERE ST_Covers(geom, s._place)) END AS %1$s',
                   c.name, (SELECT t.area FROM gisapp.territories() AS t WHERE t.name = c.name))
               ELSE format('%s AS %I', g.value, c.name) END, ', ' ORDER BY c.n)
      INTO held
      FROM gisapp.layer_columns(target) AS c
      LEFT JOIN gisapp.given_values(target, columns) AS g ON g.name = c.name
     WHERE c.computed IS NULL;
    IF codes <> '{}' THEN
        EXECUTE format('SELECT coalesce(min(side), 1) FROM %s', squares) INTO side;
        square := format('LEFT JOIN %1$s AS g ON g.x = floor(ST_X(s._place) / %2$s)
            AND g.y = floor(ST_Y(s._place) / %2$s)', squares, side);
    END IF;
    RETURN format($sql$
        SELECT %1$s FROM (
            SELECT %2$s
              FROM (SELECT q.*, gisapp.place_of(%3$s) AS _place FROM %4$s AS q
                     WHERE q._line >= $1 AND q._line < $2 AND q._verdict <> 'refused' AND q._act = 'insert'
                     ORDER BY %3$s OFFSET 0) AS s
              LEFT JOIN LATERAL (SELECT h.version, h.created_at, h.created_by FROM layers.%5$I AS h WHERE h.id = s.id
                                  ORDER BY h.version DESC LIMIT 1) AS p ON true
              %6$s) AS ready$sql$,
        (SELECT string_agg(coalesce(computed || ' AS ' || quote_ident(name), quote_ident(name)), ', ' ORDER BY n)
           FROM gisapp.layer_columns(target)),
        held, gisapp.place_sql(target), gisapp.beside_stage(import, 'i'), layer || '_history', square);
END $$;

-- What is needed before rows are made ready: their empty table and the squares of the map.
CREATE FUNCTION gisapp.begin_ready(import uuid, layer text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target regclass;
    squares text := gisapp.beside_stage(import, 'g');
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = begin_ready.layer) THEN
        RAISE EXCEPTION 'no such layer';
    END IF;
    target := format('layers.%I', layer)::regclass;
    PERFORM gisapp.drop_ready(import);
    EXECUTE format('CREATE UNLOGGED TABLE %s WITH (autovacuum_enabled = false) AS
        SELECT 0 AS _part, t.* FROM %s AS t WITH NO DATA', gisapp.beside_stage(import, 'r'), target);
    EXECUTE format('CREATE INDEX ON %s (_part)', gisapp.beside_stage(import, 'r'));
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgname = 'b2_territory') THEN
        PERFORM gisapp.settle_squares(gisapp.beside_stage(import, 'i'), target);
        EXECUTE format('CREATE UNLOGGED TABLE %s AS TABLE pg_temp.settled', squares);
        EXECUTE format('CREATE INDEX ON %s (x, y)', squares);
        EXECUTE format('ANALYZE %s', squares);
        DROP TABLE pg_temp.settled;
    END IF;
END $$;

-- Make the rows of the lines `first` to before `last` ready, as part `part`; how many. Plans are tied to the indexes: of
-- tables that are being filled there are no figures to choose by.
CREATE FUNCTION gisapp.make_ready(import uuid, layer text, columns text[], part integer, first integer, last integer)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET work_mem = '128MB'
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    count bigint;
BEGIN
    EXECUTE format('INSERT INTO %s SELECT %s, ready.* FROM (%s) AS ready', gisapp.beside_stage(import, 'r'), part,
                   gisapp.ready_sql(import, layer, columns)) USING first, last;
    GET DIAGNOSTICS count = ROW_COUNT;
    RETURN count;
END $$;

-- Reckon what tiles have to know of all rows that are ready.
CREATE FUNCTION gisapp.count_ready(import uuid, layer text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    rows_of text := gisapp.beside_stage(import, 'r');
    watched gisapp.watched_layers;
    source text;
    told record;
    counting text;
BEGIN
    SELECT * INTO STRICT watched FROM gisapp.watched_layers AS w WHERE w.layer = count_ready.layer;
    EXECUTE format('ANALYZE %s (%s)', rows_of, concat_ws(', ', '_part', quote_ident(watched.district_column),
                   quote_ident(watched.status_column), quote_ident(watched.kind_column)));
    source := gisapp.tile_source_sql(watched, 1, rows_of);
    counting := CASE WHEN watched.is_lines THEN gisapp.tile_count_sql(layer, true, source)
                     ELSE gisapp.tile_count_many_sql(layer, source) END;
    -- The same sentences as behind every write, into tables of the import's own.
    FOR told IN SELECT * FROM (VALUES ('n', 'gisapp.tile_counts'), ('f', 'gisapp.tile_facets'),
                                      ('w', 'gisapp.layer_changes')) AS v (letter, home) LOOP
        EXECUTE format('CREATE UNLOGGED TABLE %s (LIKE %s)', gisapp.beside_stage(import, told.letter), told.home);
        counting := replace(counting, 'INSERT INTO ' || told.home,
                            'INSERT INTO ' || gisapp.beside_stage(import, told.letter));
    END LOOP;
    EXECUTE counting;
    EXECUTE replace(gisapp.tile_change_sql(layer, source), 'INSERT INTO gisapp.layer_changes',
                    'INSERT INTO ' || gisapp.beside_stage(import, 'w'));
    IF watched.is_lines THEN
        EXECUTE format('CREATE UNLOGGED TABLE %1$s AS SELECT id, gisapp.pieces_of(geom_3857) AS piece FROM %2$s
            WHERE geom_3857 IS NOT NULL', gisapp.beside_stage(import, 'l'), rows_of);
    END IF;
END $$;

-- Prove for a part of the rows that are ready what foreign keys and b3_codes ask of each: that every code is one of its
-- list. The lists' rows are locked as foreign keys lock them, so that none goes before this transaction ends.
CREATE FUNCTION gisapp.prove_ready(import uuid, target regclass, part integer) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    one record;
    known text[];
    faults text := '';
    wrong text;
BEGIN
    FOR one IN
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
         ORDER BY 3, 1
    LOOP
        EXECUTE format('SELECT coalesce(array_agg(q.key), ''{}'') FROM (SELECT %I::text AS key FROM %s FOR KEY SHARE) AS q',
                       one.key, one.list) INTO known;
        faults := faults || format(CASE WHEN one.many
            THEN ' WHEN r.%1$I IS NOT NULL AND (NOT r.%1$I <@ %2$L::text[] OR array_position(r.%1$I, NULL) IS NOT NULL)'
                 ' THEN %3$L'
            ELSE ' WHEN r.%1$I <> ALL (%2$L::text[]) THEN %3$L' END, one.column, known, one.rule || '.' || one.column);
    END LOOP;
    IF faults <> '' THEN
        EXECUTE format('SELECT fault FROM (SELECT CASE%s END AS fault FROM %s AS r WHERE r._part = $1 OFFSET 0) AS q
            WHERE fault IS NOT NULL LIMIT 1', faults, gisapp.beside_stage(import, 'r')) INTO wrong USING part;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'a row of the import breaks %', wrong USING ERRCODE = 'foreign_key_violation',
                CONSTRAINT = split_part(wrong, '.', 1), COLUMN = split_part(wrong, '.', 2), TABLE = target::text;
        END IF;
    END IF;
END $$;

-- A part of the rows that are ready enters its layer and history, stamped in the name of who acts, while the layer's
-- triggers rest for this transaction alone; how many. Both tables get the same values.
CREATE FUNCTION gisapp.enter_ready(import uuid, layer text, part integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    target regclass;
    rows_of text := gisapp.beside_stage(import, 'r');
    moment timestamptz := clock_timestamp();
    entering text;
    keeping text;
    count bigint;
    again bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = enter_ready.layer) THEN
        RAISE EXCEPTION 'no such layer';
    END IF;
    target := format('layers.%I', layer)::regclass;
    IF NOT gisapp.may_enter_as_set(target) THEN
        RAISE EXCEPTION 'the triggers of this layer cannot rest' USING ERRCODE = 'serialization_failure';
    END IF;
    PERFORM gisapp.prove_ready(import, target, part);
    WITH given AS (
        SELECT quote_ident(name) AS name, n, stored,
               CASE name WHEN 'created_at' THEN 'coalesce(r.created_at, now())'
                         WHEN 'created_by' THEN 'coalesce(r.created_by, $1)'
                         WHEN 'updated_at' THEN '$2' WHEN 'updated_by' THEN '$1' ELSE format('r.%I', name) END AS value
          FROM gisapp.layer_columns(target)
    )
    SELECT format('INSERT INTO %s (%s) SELECT %s FROM %s AS r WHERE r._part = $3', target,
                  string_agg(name, ', ' ORDER BY n) FILTER (WHERE stored),
                  string_agg(value, ', ' ORDER BY n) FILTER (WHERE stored), rows_of),
           format('INSERT INTO layers.%I (%s, changed_by, request_id, db_user, operation, valid_from, valid_to)
               SELECT %s, $1, nullif(current_setting(''gisapp.request'', true), ''''), session_user, ''insert'', $2,
                      ''infinity''
                 FROM %s AS r WHERE r._part = $3', layer || '_history',
                  string_agg(name, ', ' ORDER BY n) FILTER (WHERE name <> 'geom_3857'),
                  string_agg(value, ', ' ORDER BY n) FILTER (WHERE name <> 'geom_3857'), rows_of)
      INTO entering, keeping FROM given;
    PERFORM set_config('session_replication_role', 'replica', true);
    EXECUTE entering USING gisapp.acting_user(), moment, part;
    GET DIAGNOSTICS count = ROW_COUNT;
    EXECUTE keeping USING gisapp.acting_user(), moment, part;
    GET DIAGNOSTICS again = ROW_COUNT;
    PERFORM set_config('session_replication_role', 'origin', true);
    IF again <> count THEN
        RAISE EXCEPTION 'history differs from the layer';
    END IF;
    RETURN count;
END $$;

-- What tiles have to know of the rows that entered, and the end of what stands beside the stage. A feature that came and
-- went since its row was made ready would have a version that was used already: then nothing enters. Whoever closed such a
-- version began to within the last day: no statement lasts longer.
CREATE FUNCTION gisapp.end_ready(import uuid, layer text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    used boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (
        SELECT FROM (SELECT h.id, max(h.version) AS version FROM layers.%I AS h
                      WHERE h.valid_from >= now() - interval ''1 day'' AND h.valid_to < ''infinity'' GROUP BY h.id) AS h
          JOIN %s AS r ON r.id = h.id AND r.version <= h.version)', layer || '_history',
        gisapp.beside_stage(import, 'r')) INTO used;
    IF used THEN
        RAISE EXCEPTION 'a feature of the import came and went meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    EXECUTE format('INSERT INTO gisapp.tile_counts SELECT * FROM %s', gisapp.beside_stage(import, 'n'));
    EXECUTE format('INSERT INTO gisapp.tile_facets SELECT * FROM %s', gisapp.beside_stage(import, 'f'));
    EXECUTE format('INSERT INTO gisapp.layer_changes SELECT * FROM %s', gisapp.beside_stage(import, 'w'));
    IF to_regclass(gisapp.beside_stage(import, 'l')) IS NOT NULL THEN
        EXECUTE format('INSERT INTO tiles.%I (id, piece) SELECT id, piece FROM %s', layer,
                       gisapp.beside_stage(import, 'l'));
    END IF;
    PERFORM gisapp.drop_ready(import);
END $$;

-- As it was, by one connection alone: the parts are made ready and enter one after the other.
CREATE OR REPLACE FUNCTION gisapp.take_in(import uuid, layer text, columns text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    lines constant integer := 50000;
    stage text := gisapp.beside_stage(import, 'i');
    target regclass;
    assigned boolean;
    last integer;
    count bigint := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = take_in.layer) THEN
        RAISE EXCEPTION 'no such layer';
    END IF;
    target := format('layers.%I', layer)::regclass;
    EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', stage);
    IF NOT gisapp.may_enter_as_set(target) THEN
        assigned := (gisapp.territory_sql(target)).names <> '';
        IF assigned THEN
            PERFORM gisapp.settle_squares(stage, target);
        END IF;
        count := gisapp.enter_by_triggers(stage, layer, columns);
        IF assigned THEN
            DROP TABLE pg_temp.settled;
        END IF;
        RETURN count;
    END IF;
    PERFORM gisapp.begin_ready(import, layer);
    EXECUTE format('SELECT coalesce(max(_line), -1) FROM %s', stage) INTO last;
    FOR part IN 0 .. last / lines LOOP
        PERFORM gisapp.make_ready(import, layer, columns, part, part * lines, (part + 1) * lines);
        count := count + gisapp.enter_ready(import, layer, part);
    END LOOP;
    PERFORM gisapp.count_ready(import, layer);
    PERFORM gisapp.end_ready(import, layer);
    RETURN count;
END $$;

-- Whether an import may enter by two connections; nobody changes its stage from now on.
CREATE FUNCTION gisapp.hold_stage(import uuid, layer text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', gisapp.beside_stage(import, 'i'));
    RETURN gisapp.may_enter_as_set(format('layers.%I', layer)::regclass);
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.beside_stage(uuid, text), gisapp.drop_ready(uuid), gisapp.layer_columns(regclass),
    gisapp.ready_sql(uuid, text, text[]), gisapp.begin_ready(uuid, text),
    gisapp.make_ready(uuid, text, text[], integer, integer, integer), gisapp.count_ready(uuid, text),
    gisapp.prove_ready(uuid, regclass, integer), gisapp.enter_ready(uuid, text, integer), gisapp.end_ready(uuid, text),
    gisapp.hold_stage(uuid, text) FROM PUBLIC;
SELECT gisapp.grant_app('GRANT EXECUTE ON FUNCTION gisapp.drop_ready(uuid), gisapp.begin_ready(uuid, text),
    gisapp.make_ready(uuid, text, text[], integer, integer, integer), gisapp.count_ready(uuid, text),
    gisapp.enter_ready(uuid, text, integer), gisapp.end_ready(uuid, text), gisapp.hold_stage(uuid, text)');
