-- What tiles are drawn from beside the layers' own tables: lines in short pieces. Nothing here holds evidence.
CREATE SCHEMA tiles;
SELECT gisapp.grant_app('GRANT USAGE ON SCHEMA tiles');

-- A line (EPSG:3857) in pieces of at most 32 vertices, each in the line's own direction and meeting the next.
CREATE FUNCTION gisapp.pieces_of(line geometry) RETURNS SETOF geometry LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH dots AS (
        SELECT path[1] AS part, path[2] - 1 AS place, geom AS dot FROM ST_DumpPoints(ST_Multi(line))
    ), placed AS (
        SELECT part, place / 31 AS piece, place, dot FROM dots
        UNION ALL
        SELECT part, place / 31 - 1, place, dot FROM dots WHERE place > 0 AND place % 31 = 0
    )
    SELECT ST_MakeLine(dot ORDER BY place) FROM placed GROUP BY part, piece HAVING count(*) > 1
$$;

-- Make the pieces of a layer of lines anew; nothing for one that has none.
CREATE FUNCTION gisapp.rebuild_pieces(layer text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF to_regclass(format('tiles.%I', layer)) IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('TRUNCATE tiles.%1$I', layer);
    EXECUTE format('INSERT INTO tiles.%1$I (id, piece)
        SELECT id, gisapp.pieces_of(geom_3857) FROM layers.%1$I WHERE geom_3857 IS NOT NULL', layer);
END $$;

-- The table of a layer's pieces, filled; nothing for a layer that has no lines.
CREATE FUNCTION gisapp.keep_pieces(layer text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (SELECT is_lines FROM gisapp.watched_layers AS w WHERE w.layer = keep_pieces.layer)
       OR to_regclass(format('tiles.%I', layer)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE tiles.%1$I (id uuid NOT NULL, piece public.geometry(LineString, 3857) NOT NULL)', layer);
    PERFORM gisapp.rebuild_pieces(layer);
    EXECUTE format('CREATE INDEX %2$I ON tiles.%1$I USING gist (piece)', layer, left(layer, 50) || '_piece');
    EXECUTE format('CREATE INDEX %2$I ON tiles.%1$I (id)', layer, left(layer, 50) || '_id');
    PERFORM gisapp.grant_app(format('GRANT SELECT ON tiles.%I', layer));
END $$;

-- After every statement on a layer's table, whoever sends it.
CREATE OR REPLACE FUNCTION gisapp.note_tiles() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    watched gisapp.watched_layers;
    source text;
BEGIN
    SELECT * INTO STRICT watched FROM gisapp.watched_layers WHERE layer = TG_TABLE_NAME;
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM gisapp.rebuild_tiles(watched.layer);
        RETURN NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        source := gisapp.tile_source_sql(watched, -1, 'old_rows');
        IF watched.is_lines THEN
            EXECUTE format('DELETE FROM tiles.%I WHERE id IN (SELECT id FROM old_rows)', watched.layer);
        END IF;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        source := concat_ws(' UNION ALL ', source, gisapp.tile_source_sql(watched, 1, 'new_rows'));
        IF watched.is_lines THEN
            EXECUTE format('INSERT INTO tiles.%I (id, piece) SELECT id, gisapp.pieces_of(geom_3857) FROM new_rows
                WHERE geom_3857 IS NOT NULL', watched.layer);
        END IF;
    END IF;
    EXECUTE gisapp.tile_change_sql(watched.layer, source);
    EXECUTE gisapp.tile_count_sql(watched.layer, watched.is_lines, source);
    RETURN NULL;
END $$;

-- As it was, with the pieces of lines.
CREATE OR REPLACE FUNCTION gisapp.rebuild_tiles(layer text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    watched gisapp.watched_layers;
BEGIN
    SELECT * INTO STRICT watched FROM gisapp.watched_layers AS w WHERE w.layer = rebuild_tiles.layer;
    EXECUTE format('LOCK TABLE layers.%I IN SHARE MODE', layer);
    PERFORM pg_advisory_xact_lock(hashtext('gisapp.compact_tiles'));
    DELETE FROM gisapp.tile_counts AS t WHERE t.layer = rebuild_tiles.layer;
    DELETE FROM gisapp.tile_facets AS t WHERE t.layer = rebuild_tiles.layer;
    EXECUTE gisapp.tile_count_sql(layer, watched.is_lines,
        gisapp.tile_source_sql(watched, 1, format('layers.%I', layer)));
    INSERT INTO gisapp.layer_changes (layer, weight, fresh) VALUES (rebuild_tiles.layer, 1, true);
    PERFORM gisapp.rebuild_pieces(layer);
END $$;

-- As it was, with the pieces of lines.
CREATE OR REPLACE FUNCTION gisapp.watch_tiles(layer text, kind text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    shape text := (SELECT type FROM public.geometry_columns
                    WHERE f_table_schema = 'layers' AND f_table_name = layer AND f_geometry_column = 'geom');
    columns name[] := ARRAY(SELECT attname FROM pg_attribute
                    WHERE attrelid = format('layers.%I', layer)::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
    INSERT INTO gisapp.watched_layers (layer, is_lines, district_column, status_column, kind_column)
    VALUES (watch_tiles.layer, shape LIKE '%LINESTRING',
            (SELECT 'district_code' WHERE 'district_code' = ANY (columns)),
            (SELECT 'status' WHERE 'status' = ANY (columns)), kind)
    ON CONFLICT ON CONSTRAINT watched_layers_pkey DO UPDATE
        SET (is_lines, district_column, status_column, kind_column)
          = (excluded.is_lines, excluded.district_column, excluded.status_column, excluded.kind_column);
    EXECUTE format('CREATE OR REPLACE TRIGGER m1_insert AFTER INSERT ON layers.%I
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisapp.note_tiles()', layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER m2_update AFTER UPDATE ON layers.%I
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION gisapp.note_tiles()', layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER m3_delete AFTER DELETE ON layers.%I
        REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisapp.note_tiles()', layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER m4_truncate AFTER TRUNCATE ON layers.%I
        FOR EACH STATEMENT EXECUTE FUNCTION gisapp.note_tiles()', layer);
    PERFORM gisapp.rebuild_tiles(layer);
    PERFORM gisapp.keep_pieces(layer);
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.keep_pieces(text), gisapp.rebuild_pieces(text) FROM PUBLIC;

SELECT gisapp.keep_pieces(layer) FROM gisapp.watched_layers;

-- An area of one part is a Polygon in what tiles read: thousands are gathered without taking each apart.
DO $$
DECLARE
    target record;
    shown text;
    definition text;
BEGIN
    FOR target IN
        SELECT f_table_name AS layer,
               (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute AS a JOIN pg_attrdef AS d
                    ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = format('layers.%I', f_table_name)::regclass AND a.attname = 'geom_3857') AS expression
          FROM geometry_columns
         WHERE f_table_schema = 'layers' AND f_geometry_column = 'geom' AND type = 'MULTIPOLYGON'
           AND f_table_name IN (SELECT layer FROM gisapp.watched_layers)
    LOOP
        shown := substring(target.expression FROM 'st_transform\((.*), 3857\)');
        SELECT indexdef INTO STRICT definition FROM pg_indexes
         WHERE schemaname = 'layers' AND tablename = target.layer AND indexdef LIKE '%gist (geom_3857)';
        EXECUTE format('ALTER TABLE layers.%1$I DROP COLUMN geom_3857', target.layer);
        EXECUTE format('ALTER TABLE layers.%1$I ADD COLUMN geom_3857 geometry(Geometry, 3857) GENERATED ALWAYS AS (
            CASE WHEN st_numgeometries(%2$s) = 1
                 THEN st_forcepolygoncw(st_transform(st_geometryn(%2$s, 1), 3857))
                 ELSE st_forcepolygoncw(st_transform(%2$s, 3857)) END) STORED', target.layer, shown);
        EXECUTE definition;
    END LOOP;
END $$;
