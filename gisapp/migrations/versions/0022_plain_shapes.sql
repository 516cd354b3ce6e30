-- What follows from a shape (in Web Mercator, area, length) was computed by generated columns, for each row once more when it
-- entered out of a set. It stands in plain columns now, which a trigger fills with every other write: nobody can supply it.
-- Values stay as they are; no table is written anew.

-- What follows from the shapes of a layer, as SQL over its other columns. `stand_in` is the geometry that may stand in for
-- the main one, or ''. Rings of areas are clockwise, as a vector tile wants them once its y axis points down, and an area of
-- one part is a Polygon.
CREATE FUNCTION gisapp.derived_columns(target regclass, stand_in text, OUT name text, OUT value text)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH main AS (
        SELECT CASE WHEN stand_in = '' THEN 'geom' ELSE format('coalesce(geom, %I)', stand_in) END AS shown,
               format_type(atttypid, atttypmod) LIKE '%Polygon%' AS is_area
          FROM pg_attribute WHERE attrelid = target AND attname = 'geom'
    )
    SELECT a.attname, CASE a.attname
        WHEN 'geom_area_m2' THEN 'round(ST_Area(geom::geography)::numeric, 2)'
        WHEN 'geom_length_m' THEN 'round(ST_Length(geom::geography)::numeric, 2)'
        ELSE format(CASE WHEN m.is_area
            THEN 'CASE WHEN ST_NumGeometries(%1$s) = 1 THEN ST_ForcePolygonCW(ST_Transform(ST_GeometryN(%1$s, 1), 3857))
                  ELSE ST_ForcePolygonCW(ST_Transform(%1$s, 3857)) END'
            ELSE 'ST_Transform(%1$s, 3857)' END, m.shown) END
      FROM pg_attribute AS a, main AS m
     WHERE a.attrelid = target AND a.attname IN ('geom_3857', 'geom_area_m2', 'geom_length_m')
$$;

-- Let a layer's table fill them, by a function of its own each, so that its plan is made once.
CREATE FUNCTION gisapp.derive_shapes(layer text, stand_in text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target regclass := format('layers.%I', layer)::regclass;
    plain text := (SELECT string_agg(format('ALTER COLUMN %I DROP EXPRESSION', attname), ', ') FROM pg_attribute
                    WHERE attrelid = target AND attname IN ('geom_3857', 'geom_area_m2', 'geom_length_m')
                      AND attgenerated <> '');
    names text;
    given text;
BEGIN
    -- Also those of a table that a migration drafted before this one makes.
    IF plain IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', target, plain);
    END IF;
    SELECT string_agg(format('NEW.%I', name), ', ' ORDER BY name), string_agg(value, ', ' ORDER BY name) INTO names, given
      FROM gisapp.derived_columns(target, stand_in);
    IF names IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION gisapp.%I() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, public, pg_temp AS %L', 'shape_' || layer, format('BEGIN
            SELECT %s INTO %s FROM (SELECT %s) AS shapes;
            RETURN NEW;
        END', given, names, concat_ws(', ', 'NEW.geom', 'NEW.' || quote_ident(nullif(stand_in, '')))));
    EXECUTE format('REVOKE EXECUTE ON FUNCTION gisapp.%I() FROM PUBLIC', 'shape_' || layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER b4_shape BEFORE INSERT OR UPDATE ON %s
        FOR EACH ROW EXECUTE FUNCTION gisapp.%I(%L)', target, 'shape_' || layer, stand_in);
END $$;

-- As it was, with the columns that the trigger fills.
CREATE OR REPLACE FUNCTION gisapp.layer_columns(target regclass, OUT name text, OUT kind text, OUT computed text,
                                                OUT stored boolean, OUT n smallint)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) ELSE v.value END, a.attgenerated = '', a.attnum
      FROM pg_attribute AS a
      LEFT JOIN pg_attrdef AS d ON d.adrelid = target AND d.adnum = a.attnum
      LEFT JOIN (SELECT w.* FROM pg_trigger AS t, gisapp.derived_columns(
                        target, split_part(encode(t.tgargs, 'escape'), '\000', 1)) AS w
                  WHERE t.tgrelid = target AND t.tgname = 'b4_shape') AS v ON v.name = a.attname
     WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- As it was, with b4_shape.
CREATE OR REPLACE FUNCTION gisapp.may_enter_as_set(target regclass) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT has_parameter_privilege(current_user, 'session_replication_role', 'SET')
       AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND NOT tgisinternal AND (tgenabled <> 'O'
               OR tgname <> ALL ('{b1_stamp,b2_territory,b3_codes,b4_shape,h1_insert,h2_update,h3_delete,m1_insert,m2_update,
                                   m3_delete,m4_truncate,t1_truncate}')))
       AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = target AND tgname IN ('b1_stamp', 'h1_insert', 'm1_insert')) = 3
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND contype = 'f' AND cardinality(conkey) <> 1)
$$;

-- As it was, with b4_shape.
CREATE OR REPLACE FUNCTION gisapp.watch_layer(layer text, assigned boolean, stand_in text, code_arrays text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    arguments text := (SELECT string_agg(quote_literal(a), ', ') FROM unnest(code_arrays) AS a);
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER b1_stamp BEFORE INSERT OR UPDATE ON layers.%I
                    FOR EACH ROW EXECUTE FUNCTION gisapp.stamp()', layer);
    IF assigned THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER b2_territory BEFORE INSERT OR UPDATE ON layers.%I
                        FOR EACH ROW EXECUTE FUNCTION gisapp.assign_territory(%L)', layer, stand_in);
    END IF;
    IF arguments IS NOT NULL THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER b3_codes BEFORE INSERT OR UPDATE ON layers.%I
                        FOR EACH ROW EXECUTE FUNCTION gisapp.check_codes(%s)', layer, arguments);
    END IF;
    PERFORM gisapp.derive_shapes(layer, stand_in);
    EXECUTE format('CREATE OR REPLACE TRIGGER h1_insert AFTER INSERT ON layers.%I
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisapp.record_history()', layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER h2_update AFTER UPDATE ON layers.%I
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION gisapp.record_history()', layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER h3_delete AFTER DELETE ON layers.%I
        REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisapp.record_history()', layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER t1_truncate BEFORE TRUNCATE ON layers.%I
        FOR EACH STATEMENT EXECUTE FUNCTION gisapp.refuse_truncate()', layer);
    PERFORM gisapp.grant_app(format('GRANT SELECT, INSERT, UPDATE, DELETE ON layers.%I', layer));
    PERFORM gisapp.grant_app(format('GRANT SELECT ON layers.%I', layer || '_history'));
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.derived_columns(regclass, text), gisapp.derive_shapes(text, text) FROM PUBLIC;

-- The layers that are there: the stand-in is the one that their shape in Web Mercator names.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT w.layer, coalesce(substring(pg_get_expr(d.adbin, d.adrelid) FROM '(?i)coalesce\(geom, "?([a-z0-9_]+)"?\)'), '')
                   AS stand_in
          FROM gisapp.watched_layers AS w
          JOIN pg_attribute AS a ON a.attrelid = format('layers.%I', w.layer)::regclass AND a.attname = 'geom_3857'
               AND a.attgenerated <> ''
          JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         ORDER BY 1
    LOOP
        PERFORM gisapp.derive_shapes(one.layer, one.stand_in);
    END LOOP;
END $$;
