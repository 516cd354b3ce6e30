-- What the map's tiles need to know about writes. Nothing here holds evidence: all of it follows from the
-- layer tables, and gisapp.rebuild_tiles makes it anew.

-- Which columns the counts of a layer are kept by; gisapp.watch_tiles fills it.
CREATE TABLE gisapp.watched_layers (
    layer text PRIMARY KEY,
    is_lines boolean NOT NULL,
    district_column text,
    status_column text,
    kind_column text
);
SELECT gisapp.grant_app('GRANT SELECT ON gisapp.watched_layers');

-- One row a written statement and touched cell of zoom 14; NULL cells mean the whole layer. Rows are only
-- ever added, and merged with their sum kept, so writers never wait for each other and the sum of a place
-- grows with every committed write: that sum is the place's revision.
CREATE TABLE gisapp.layer_changes (
    layer text NOT NULL,
    cell_x integer,
    cell_y integer,
    weight bigint NOT NULL,
    fresh boolean NOT NULL
);
CREATE INDEX layer_changes_place ON gisapp.layer_changes (layer, cell_x, cell_y) INCLUDE (weight);
CREATE INDEX layer_changes_fresh ON gisapp.layer_changes (layer) WHERE fresh;
SELECT gisapp.grant_app('GRANT SELECT ON gisapp.layer_changes');

-- Features counted in 64 x 64 cells a tile, for each of the zooms 6 to 12; cell = column + 64 * row. Several
-- rows of one cell are summed: writes only add rows. '' stands for a missing code.
CREATE TABLE gisapp.tile_counts (
    layer text NOT NULL,
    zoom smallint NOT NULL,
    tile_x integer NOT NULL,
    tile_y integer NOT NULL,
    cell smallint NOT NULL,
    district_code text NOT NULL,
    n integer NOT NULL,
    fresh boolean NOT NULL
);
CREATE INDEX tile_counts_place ON gisapp.tile_counts (layer, zoom, tile_x, tile_y, cell);
CREATE INDEX tile_counts_fresh ON gisapp.tile_counts (layer) WHERE fresh;
SELECT gisapp.grant_app('GRANT SELECT ON gisapp.tile_counts');

-- The same by state and kind for filtered maps, for the zooms 6, 8, 10 and 12 only.
CREATE TABLE gisapp.tile_facets (
    LIKE gisapp.tile_counts,
    status text NOT NULL,
    kind text NOT NULL
);
CREATE INDEX tile_facets_place ON gisapp.tile_facets (layer, zoom, tile_x, tile_y, cell);
CREATE INDEX tile_facets_fresh ON gisapp.tile_facets (layer) WHERE fresh;
SELECT gisapp.grant_app('GRANT SELECT ON gisapp.tile_facets');

-- Finished tiles, gzip'd. `variant` is a hash of the layer, the way it is drawn, the reader's rights and the
-- filter. A tile is served only while `revision` is that of its place. Losing the table costs time only.
CREATE UNLOGGED TABLE gisapp.stored_tiles (
    variant uuid NOT NULL,
    z smallint NOT NULL,
    x integer NOT NULL,
    y integer NOT NULL,
    revision bigint NOT NULL,
    stored_at timestamptz NOT NULL,
    bytes integer NOT NULL,
    etag text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (variant, z, x, y)
);
ALTER TABLE gisapp.stored_tiles ALTER body SET STORAGE EXTERNAL;
CREATE INDEX stored_tiles_age ON gisapp.stored_tiles (stored_at) INCLUDE (bytes);
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE, DELETE ON gisapp.stored_tiles');

-- Column of a place in EPSG:3857 (metres from the left or upper edge) among `cells` columns of the world.
CREATE FUNCTION gisapp.cell_of(metres double precision, cells integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(greatest(floor(metres * cells / 40075016.685578488), 0), cells - 1)::integer
$$;

-- The cells of zoom 18 that a line (EPSG:3857) passes, as the vertices of a line: column + 0.5, row + 0.5.
-- Snapping drops a part that lies in one cell, so a short line is given by its first point.
CREATE FUNCTION gisapp.cells_passed(line geometry) RETURNS geometry LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH scaled AS (
        SELECT ST_TransScale(ST_Segmentize(line, 152.0), 20037508.342789244, -20037508.342789244,
                             262144 / 40075016.685578488, -262144 / 40075016.685578488) AS cells
    ), snapped AS (
        SELECT cells, ST_SnapToGrid(cells, 0.5, 0.5, 1, 1) AS passed FROM scaled
    )
    SELECT CASE WHEN passed IS NULL OR ST_IsEmpty(passed)
                THEN ST_SnapToGrid(ST_StartPoint(ST_GeometryN(cells, 1)), 0.5, 0.5, 1, 1) ELSE passed END
      FROM snapped
$$;

-- SQL that adds the revision rows for `source`, a query that yields `shape` (EPSG:3857, may be NULL).
CREATE FUNCTION gisapp.tile_change_sql(layer text, source text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT format($sql$
        WITH boxes AS (
            SELECT DISTINCT
                   gisapp.cell_of(20037508.342789244 + ST_XMin(b), 16384) AS x0,
                   gisapp.cell_of(20037508.342789244 + ST_XMax(b), 16384) AS x1,
                   gisapp.cell_of(20037508.342789244 - ST_YMax(b), 16384) AS y0,
                   gisapp.cell_of(20037508.342789244 - ST_YMin(b), 16384) AS y1
              FROM (SELECT shape::box2d::box3d AS b FROM (%2$s) AS s WHERE shape IS NOT NULL OFFSET 0) AS q
        ), extent AS (
            SELECT coalesce(sum((x1 - x0 + 1)::bigint * (y1 - y0 + 1)), 0) AS cells FROM boxes
        ), cells AS (
            SELECT DISTINCT x, y
              FROM (SELECT * FROM boxes WHERE (SELECT cells FROM extent) <= 100000) AS b,
                   generate_series(x0, x1) AS x, generate_series(y0, y1) AS y
        ), few AS (
            SELECT count(*) BETWEEN 1 AND 64 AS yes FROM cells
        )
        INSERT INTO gisapp.layer_changes (layer, cell_x, cell_y, weight, fresh)
        SELECT %1$L, x, y, 1, true FROM cells WHERE (SELECT yes FROM few)
        UNION ALL
        SELECT %1$L, NULL, NULL, 1, true FROM extent WHERE cells > 0 AND NOT (SELECT yes FROM few)
    $sql$, layer, source)
$$;

-- SQL that adds the counts for `source`, a query that yields `sign` (1 added, -1 gone), `id`, `shape`,
-- `district_code`, `status`, `kind`. A point or an area counts where the middle of its box lies; a line counts
-- once in every cell that it passes.
CREATE FUNCTION gisapp.tile_count_sql(layer text, is_lines boolean, source text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT format(CASE WHEN is_lines THEN $lines$
        WITH base AS MATERIALIZED (
            SELECT zoom, x, y, district_code, status, kind, sum(sign) AS n
              FROM (SELECT sign, district_code, status, kind, gisapp.cells_passed(shape) AS cells
                      FROM (%2$s) AS s WHERE shape IS NOT NULL OFFSET 0) AS q,
                   LATERAL (SELECT DISTINCT zoom,
                                   floor(ST_X(dot))::integer >> (12 - zoom) AS x,
                                   floor(ST_Y(dot))::integer >> (12 - zoom) AS y
                              FROM ST_DumpPoints(cells) AS p (path, dot), generate_series(6, 12) AS zoom
                            OFFSET 0) AS passed
             GROUP BY zoom, x, y, district_code, status, kind
            HAVING sum(sign) <> 0
        ),
    $lines$ ELSE $places$
        WITH finest AS MATERIALIZED (
            SELECT gisapp.cell_of(20037508.342789244 + (ST_XMin(b) + ST_XMax(b)) / 2, 262144) AS x,
                   gisapp.cell_of(20037508.342789244 - (ST_YMin(b) + ST_YMax(b)) / 2, 262144) AS y,
                   district_code, status, kind, sum(sign) AS n
              FROM (SELECT shape::box2d::box3d AS b, sign, district_code, status, kind
                      FROM (%2$s) AS s WHERE shape IS NOT NULL OFFSET 0) AS q
             GROUP BY 1, 2, district_code, status, kind
            HAVING sum(sign) <> 0
        ), base AS MATERIALIZED (
            SELECT zoom, x >> (12 - zoom) AS x, y >> (12 - zoom) AS y, district_code, status, kind, sum(n) AS n
              FROM finest, generate_series(6, 12) AS zoom
             GROUP BY 1, 2, 3, district_code, status, kind
            HAVING sum(n) <> 0
        ),
    $places$ END || $sql$
        size AS (
            SELECT count(*) <= 20000 AS small FROM base
        ), totals AS (
            INSERT INTO gisapp.tile_counts (layer, zoom, tile_x, tile_y, cell, district_code, n, fresh)
            SELECT %1$L, zoom, x >> 6, y >> 6, (x & 63) + 64 * (y & 63), district_code, sum(n), (SELECT small FROM size)
              FROM base GROUP BY zoom, x, y, district_code HAVING sum(n) <> 0
             ORDER BY zoom, x >> 6, y >> 6, 5
        )
        INSERT INTO gisapp.tile_facets (layer, zoom, tile_x, tile_y, cell, district_code, status, kind, n, fresh)
        SELECT %1$L, zoom, x >> 6, y >> 6, (x & 63) + 64 * (y & 63), district_code, status, kind, n,
               (SELECT small FROM size)
          FROM base WHERE zoom IN (6, 8, 10, 12)
         ORDER BY zoom, x >> 6, y >> 6, 5
    $sql$, layer, source)
$$;

-- The query that tile_count_sql and tile_change_sql read, over a table or a trigger's transition table.
CREATE FUNCTION gisapp.tile_source_sql(w gisapp.watched_layers, sign integer, rows_of text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT format('SELECT %s AS sign, id, geom_3857 AS shape, %s AS district_code, %s AS status, %s AS kind FROM %s',
                  sign,
                  coalesce('coalesce(' || quote_ident(w.district_column) || ', '''')', ''''''),
                  coalesce('coalesce(' || quote_ident(w.status_column) || ', '''')', ''''''),
                  coalesce('coalesce(' || quote_ident(w.kind_column) || ', '''')', ''''''),
                  rows_of)
$$;

-- After every statement on a layer's table, whoever sends it.
CREATE FUNCTION gisapp.note_tiles() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        source := concat_ws(' UNION ALL ', source, gisapp.tile_source_sql(watched, 1, 'new_rows'));
    END IF;
    EXECUTE gisapp.tile_change_sql(watched.layer, source);
    EXECUTE gisapp.tile_count_sql(watched.layer, watched.is_lines, source);
    RETURN NULL;
END $$;

-- Make a layer's counts anew from its table, and every tile of it stale. Writers wait meanwhile.
CREATE FUNCTION gisapp.rebuild_tiles(layer text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
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
END $$;

-- Merge rows that writes have added, at most `most` of each table; what is read before and after is equal.
-- Returns how many rows were merged; 0 also when another connection is at it.
CREATE FUNCTION gisapp.compact_tiles(most integer DEFAULT 20000) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    merged integer;
    total integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('gisapp.compact_tiles')) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM gisapp.layer_changes
         WHERE layer IN (SELECT layer FROM gisapp.layer_changes WHERE fresh) RETURNING *
    )
    INSERT INTO gisapp.layer_changes (layer, cell_x, cell_y, weight, fresh)
    SELECT layer, cell_x, cell_y, sum(weight), false FROM gone GROUP BY layer, cell_x, cell_y;

    WITH taken AS (
        DELETE FROM gisapp.tile_counts WHERE ctid IN (
            SELECT ctid FROM gisapp.tile_counts WHERE fresh LIMIT most) RETURNING *
    ), earlier AS (
        DELETE FROM gisapp.tile_counts AS t
         USING (SELECT DISTINCT layer, zoom, tile_x, tile_y, cell, district_code FROM taken) AS k
         WHERE NOT t.fresh AND (t.layer, t.zoom, t.tile_x, t.tile_y, t.cell, t.district_code)
             = (k.layer, k.zoom, k.tile_x, k.tile_y, k.cell, k.district_code) RETURNING t.*
    ), merging AS (
        INSERT INTO gisapp.tile_counts (layer, zoom, tile_x, tile_y, cell, district_code, n, fresh)
        SELECT layer, zoom, tile_x, tile_y, cell, district_code, sum(n), false
          FROM (SELECT * FROM taken UNION ALL SELECT * FROM earlier) AS q
         GROUP BY layer, zoom, tile_x, tile_y, cell, district_code HAVING sum(n) <> 0
    )
    SELECT count(*) INTO merged FROM taken;
    total := total + merged;

    WITH taken AS (
        DELETE FROM gisapp.tile_facets WHERE ctid IN (
            SELECT ctid FROM gisapp.tile_facets WHERE fresh LIMIT most) RETURNING *
    ), earlier AS (
        DELETE FROM gisapp.tile_facets AS t
         USING (SELECT DISTINCT layer, zoom, tile_x, tile_y, cell, district_code, status, kind FROM taken) AS k
         WHERE NOT t.fresh AND (t.layer, t.zoom, t.tile_x, t.tile_y, t.cell, t.district_code, t.status, t.kind)
             = (k.layer, k.zoom, k.tile_x, k.tile_y, k.cell, k.district_code, k.status, k.kind) RETURNING t.*
    ), merging AS (
        INSERT INTO gisapp.tile_facets (layer, zoom, tile_x, tile_y, cell, district_code, status, kind, n, fresh)
        SELECT layer, zoom, tile_x, tile_y, cell, district_code, status, kind, sum(n), false
          FROM (SELECT * FROM taken UNION ALL SELECT * FROM earlier) AS q
         GROUP BY layer, zoom, tile_x, tile_y, cell, district_code, status, kind HAVING sum(n) <> 0
    )
    SELECT count(*) INTO merged FROM taken;
    RETURN total + merged;
END $$;

-- Keep revisions and counts of a layer from now on. `kind` is the code field by which a filtered map is
-- counted beside district and state, or NULL. Calling it again with another kind counts anew.
CREATE FUNCTION gisapp.watch_tiles(layer text, kind text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.watch_tiles(text, text), gisapp.rebuild_tiles(text), gisapp.compact_tiles(integer)
    FROM PUBLIC;
SELECT gisapp.grant_app('GRANT EXECUTE ON FUNCTION gisapp.compact_tiles(integer)');
