-- Very many rows are entered, counted and taken back at less cost; nothing else than before comes of it.

-- What gisapp.tile_count_sql adds for points and areas, for very many of them: each zoom's counts are summed from the
-- next finer one's, where a statement on a few rows would take longer to plan than to run.
CREATE FUNCTION gisapp.tile_count_many_sql(layer text, source text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT format($sql$
        WITH finest AS MATERIALIZED (
            SELECT gisapp.cell_of(20037508.342789244 + (ST_XMin(b) + ST_XMax(b)) / 2, 262144) AS x,
                   gisapp.cell_of(20037508.342789244 - (ST_YMin(b) + ST_YMax(b)) / 2, 262144) AS y,
                   district_code, status, kind, sum(sign)::integer AS n
              FROM (SELECT shape::box2d::box3d AS b, sign, district_code, status, kind
                      FROM (%2$s) AS s WHERE shape IS NOT NULL OFFSET 0) AS q
             GROUP BY 1, 2, 3, 4, 5 HAVING sum(sign) <> 0
        ), told_10 AS MATERIALIZED (
            SELECT x >> 2 AS x, y >> 2 AS y, district_code, status, kind, sum(n)::integer AS n
              FROM finest GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
        ), told_8 AS MATERIALIZED (
            SELECT x >> 2 AS x, y >> 2 AS y, district_code, status, kind, sum(n)::integer AS n
              FROM told_10 GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
        ), told_6 AS (
            SELECT x >> 2 AS x, y >> 2 AS y, district_code, status, kind, sum(n)::integer AS n
              FROM told_8 GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
        ), counted_12 AS MATERIALIZED (
            SELECT x, y, district_code, sum(n)::integer AS n FROM finest GROUP BY 1, 2, 3 HAVING sum(n) <> 0
        ), counted AS (
            SELECT zoom, x >> (12 - zoom) AS x, y >> (12 - zoom) AS y, district_code, sum(n)::integer AS n
              FROM counted_12, generate_series(6, 12) AS zoom GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
        ), told AS (
            SELECT 12 AS zoom, x, y, district_code, status, kind, n FROM finest
            UNION ALL SELECT 10, * FROM told_10
            UNION ALL SELECT 8, * FROM told_8
            UNION ALL SELECT 6, * FROM told_6
        ), size AS (
            SELECT count(*) <= 5000 AS small FROM finest
        ), totals AS (
            INSERT INTO gisapp.tile_counts (layer, zoom, tile_x, tile_y, cell, district_code, n, fresh)
            SELECT %1$L, zoom, x >> 6, y >> 6, (x & 63) + 64 * (y & 63), district_code, n, (SELECT small FROM size)
              FROM counted
             ORDER BY (zoom::bigint << 36) + ((x >> 6)::bigint << 24) + ((y >> 6) << 12) + (x & 63) + 64 * (y & 63)
        )
        INSERT INTO gisapp.tile_facets (layer, zoom, tile_x, tile_y, cell, district_code, status, kind, n, fresh)
        SELECT %1$L, zoom, x >> 6, y >> 6, (x & 63) + 64 * (y & 63), district_code, status, kind, n,
               (SELECT small FROM size)
          FROM told
         ORDER BY (zoom::bigint << 36) + ((x >> 6)::bigint << 24) + ((y >> 6) << 12) + (x & 63) + 64 * (y & 63)
    $sql$, layer, source)
$$;

-- After every statement on a layer's table, whoever sends it: as it was, but that very many rows are counted as such.
CREATE OR REPLACE FUNCTION gisapp.note_tiles() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    watched gisapp.watched_layers;
    source text;
    many boolean := false;
BEGIN
    SELECT * INTO STRICT watched FROM gisapp.watched_layers WHERE layer = TG_TABLE_NAME;
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM gisapp.rebuild_tiles(watched.layer);
        RETURN NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        source := gisapp.tile_source_sql(watched, -1, 'old_rows');
        many := EXISTS (SELECT FROM old_rows OFFSET 1000);
        IF watched.is_lines THEN
            EXECUTE format('DELETE FROM tiles.%I WHERE id IN (SELECT id FROM old_rows)', watched.layer);
        END IF;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        source := concat_ws(' UNION ALL ', source, gisapp.tile_source_sql(watched, 1, 'new_rows'));
        many := EXISTS (SELECT FROM new_rows OFFSET 1000);
        IF watched.is_lines THEN
            EXECUTE format('INSERT INTO tiles.%I (id, piece) SELECT id, gisapp.pieces_of(geom_3857) FROM new_rows
                WHERE geom_3857 IS NOT NULL', watched.layer);
        END IF;
    END IF;
    EXECUTE gisapp.tile_change_sql(watched.layer, source);
    EXECUTE CASE WHEN many AND NOT watched.is_lines THEN gisapp.tile_count_many_sql(watched.layer, source)
                 ELSE gisapp.tile_count_sql(watched.layer, watched.is_lines, source) END;
    RETURN NULL;
END $$;

-- The temporary table `squares`: squares of the map in which rows of a stage lie that are to be inserted, with the side
-- in degrees. As fine as they may be where each still stands for 16 rows; none where even coarse ones do not.
CREATE FUNCTION gisapp.make_squares(stage text, target regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    finest constant double precision := 2048;
    times double precision;
BEGIN
    EXECUTE format('CREATE TEMP TABLE squares ON COMMIT DROP AS
        SELECT floor((ST_XMin(b) + ST_XMax(b)) / 2 * $1) AS x, floor((ST_YMin(b) + ST_YMax(b)) / 2 * $1) AS y,
               1 / $1 AS side, count(*) AS n, NULL::geometry AS box
          FROM (SELECT %s::box3d AS b FROM %s AS q
                 WHERE q._verdict <> ''refused'' AND q._act = ''insert'' OFFSET 0) AS q
         WHERE b IS NOT NULL GROUP BY 1, 2', gisapp.place_sql(target), stage) USING finest;
    SELECT t INTO times FROM unnest(ARRAY[1, 2, 4, 8, 16]) AS t
     WHERE (SELECT count(*) * 16 FROM (SELECT DISTINCT floor(x / t), floor(y / t) FROM pg_temp.squares) AS q)
         < (SELECT sum(n) FROM pg_temp.squares)
     ORDER BY t LIMIT 1;
    CREATE TEMP TABLE coarser ON COMMIT DROP AS
        SELECT x, y, side, ST_MakeEnvelope(x * side - 1e-9, y * side - 1e-9, (x + 1) * side + 1e-9,
                                           (y + 1) * side + 1e-9, 4326) AS box
          FROM (SELECT DISTINCT floor(q.x / times) AS x, floor(q.y / times) AS y, times / finest AS side
                  FROM pg_temp.squares AS q WHERE times IS NOT NULL) AS q;
    DROP TABLE pg_temp.squares;
    ALTER TABLE pg_temp.coarser RENAME TO squares;
    CREATE INDEX ON pg_temp.squares USING gist (box);
    ANALYZE pg_temp.squares;
END $$;

-- The temporary table `settled`: squares of the map with what holds for every place in them before any row is placed:
-- the code of a kind of area, which is `known` where no border of that kind crosses the square. Borders within 1e-9
-- degree (0.1 mm) count as crossing, so that no rounding can tell otherwise than ST_Covers of the place itself.
CREATE FUNCTION gisapp.settle_squares(stage text, target regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    kinds text;
    joins text;
BEGIN
    PERFORM gisapp.make_squares(stage, target);
    -- Areas stand outside, so that each is prepared once for all of its squares.
    SELECT string_agg(format(', %1$I.whole IS NOT FALSE AS %1$s_known, %1$I.code AS %1$I', name), '' ORDER BY n),
           string_agg(format('
          LEFT JOIN (SELECT hit.x, hit.y, bool_and(hit.whole) AS whole, min(t.code) AS code
                       FROM layers.%2$I AS t
                      CROSS JOIN LATERAL (SELECT c.x, c.y, ST_Covers(t.geom, c.box) AS whole FROM pg_temp.squares AS c
                                           WHERE ST_Intersects(t.geom, c.box) OFFSET 0) AS hit
                      GROUP BY 1, 2) AS %1$I USING (x, y)', name, area), '' ORDER BY n)
      INTO kinds, joins FROM gisapp.territories();
    EXECUTE format('CREATE TEMP TABLE settled ON COMMIT DROP AS
        SELECT x, y, side%s FROM pg_temp.squares%s', kinds, joins);
    DROP TABLE pg_temp.squares;
    CREATE INDEX ON pg_temp.settled (x, y);
    ANALYZE pg_temp.settled;
END $$;

-- The codes that follow from a place, and the layers whose areas give them.
CREATE FUNCTION gisapp.territories(OUT name text, OUT area text, OUT n bigint) RETURNS SETOF record
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM unnest(ARRAY['district_code', 'street_code', 'community_code', 'grid_code', 'squadron_code'],
                         ARRAY['districts', 'streets', 'communities', 'unit_grids', 'squadron_territories'])
                  WITH ORDINALITY
$$;

-- SQL for the territory codes of the place `s._place`: those of its square `g` where these are known. Nothing for a
-- layer without territories.
CREATE OR REPLACE FUNCTION gisapp.territory_sql(target regclass, OUT names text, OUT places text) LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(string_agg(', ' || name, '' ORDER BY n), ''),
           coalesce(string_agg(format(', CASE WHEN g.%1$s_known THEN g.%1$s'
                                      ' ELSE (SELECT min(code) FROM layers.%2$I WHERE ST_Covers(geom, s._place)) END',
                                      name, area), '' ORDER BY n), '')
      FROM gisapp.territories()
     WHERE EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgname = 'b2_territory')
$$;

-- SQL that lets the lines $1 to before $2 of a stage enter their layer in the name of $3 at the moment $4, stamped and
-- assigned as b1_stamp and b2_territory would. The squares of the map are settled before.
CREATE OR REPLACE FUNCTION gisapp.entering_sql(stage text, layer text, columns text[]) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target regclass := format('layers.%I', layer)::regclass;
    names text;
    given text;
    territory record;
    square text := '';
BEGIN
    SELECT string_agg(quote_ident(g.name), ', ' ORDER BY g.name), string_agg(g.value, ', ' ORDER BY g.name)
      INTO names, given FROM gisapp.given_values(target, columns) AS g WHERE g.brought;
    SELECT * INTO territory FROM gisapp.territory_sql(target);
    IF territory.names <> '' THEN
        square := format('LEFT JOIN pg_temp.settled AS g
            ON g.x = floor(ST_X(s._place) / %1$s) AND g.y = floor(ST_Y(s._place) / %1$s)',
            coalesce((SELECT min(side) FROM pg_temp.settled), 1));
    END IF;
    RETURN format($sql$
        INSERT INTO %1$s (id, %2$s, version, created_at, created_by, updated_at, updated_by%3$s)
        SELECT s.id, %4$s, coalesce(p.version, 0) + 1, coalesce(p.created_at, now()), coalesce(p.created_by, $3),
               $4, $3%5$s
          FROM (SELECT q.*, gisapp.place_of(%6$s) AS _place FROM %7$s AS q
                 WHERE q._line >= $1 AND q._line < $2 AND q._verdict <> 'refused' AND q._act = 'insert'
                 ORDER BY %6$s OFFSET 0) AS s
          LEFT JOIN LATERAL (SELECT h.version, h.created_at, h.created_by FROM layers.%8$I AS h WHERE h.id = s.id
                              ORDER BY h.version DESC LIMIT 1) AS p ON true
          %9$s$sql$,
        target, names, territory.names, given, territory.places, gisapp.place_sql(target), stage, layer || '_history',
        square);
END $$;

-- The same for all that is to be inserted, with what tiles are drawn from.
CREATE OR REPLACE FUNCTION gisapp.enter_set(stage text, layer text, columns text[]) RETURNS bigint LANGUAGE plpgsql
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
    ANALYZE pg_temp.entered (district_code, status, kind);
    IF is_lines THEN
        EXECUTE format('INSERT INTO tiles.%I (id, piece) SELECT id, gisapp.pieces_of(shape) FROM pg_temp.entered
            WHERE shape IS NOT NULL', layer);
    END IF;
    EXECUTE gisapp.tile_change_sql(layer, source);
    EXECUTE CASE WHEN is_lines THEN gisapp.tile_count_sql(layer, is_lines, source)
                 ELSE gisapp.tile_count_many_sql(layer, source) END;
    DROP TABLE pg_temp.entered;
    RETURN count;
END $$;

-- As it was; the squares of the map are settled before any row is placed.
CREATE OR REPLACE FUNCTION gisapp.take_in(import uuid, layer text, columns text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stage text := format('staging.%I', 'i_' || replace(import::text, '-', ''));
    target regclass;
    assigned boolean;
    count bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = take_in.layer) THEN
        RAISE EXCEPTION 'no such layer';
    END IF;
    target := format('layers.%I', layer)::regclass;
    assigned := (gisapp.territory_sql(target)).names <> '';
    EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', stage);
    IF assigned THEN
        PERFORM gisapp.settle_squares(stage, target);
    END IF;
    IF gisapp.may_enter_as_set(target) THEN
        PERFORM gisapp.prove_codes(stage, target, columns);
        count := gisapp.enter_set(stage, layer, columns);
    ELSE
        count := gisapp.enter_by_triggers(stage, layer, columns);
    END IF;
    IF assigned THEN
        DROP TABLE pg_temp.settled;
    END IF;
    RETURN count;
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.make_squares(text, regclass), gisapp.settle_squares(text, regclass) FROM PUBLIC;
