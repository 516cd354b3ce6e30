-- What runs for each row that is written makes its plans once a session. The application's sessions have plan_cache_mode =
-- force_custom_plan, which tiles need; here planning took two thirds of the time that finding a place's territories takes.

-- The plan that is kept must not be one for a table that was empty when it was made: hence by the index.
ALTER FUNCTION gisapp.territory(geometry) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION gisapp.territory(geometry) SET enable_seqscan = off;
ALTER FUNCTION gisapp.assign_territory() SET plan_cache_mode = force_generic_plan;

-- As it was, but for the function's plan.
CREATE OR REPLACE FUNCTION gisapp.derive_shapes(layer text, stand_in text) RETURNS void LANGUAGE plpgsql
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
        SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS %L',
        'shape_' || layer, format('BEGIN
            SELECT %s INTO %s FROM (SELECT %s) AS shapes;
            RETURN NEW;
        END', given, names, concat_ws(', ', 'NEW.geom', 'NEW.' || quote_ident(nullif(stand_in, '')))));
    EXECUTE format('REVOKE EXECUTE ON FUNCTION gisapp.%I() FROM PUBLIC', 'shape_' || layer);
    EXECUTE format('CREATE OR REPLACE TRIGGER b4_shape BEFORE INSERT OR UPDATE ON %s
        FOR EACH ROW EXECUTE FUNCTION gisapp.%I(%L)', target, 'shape_' || layer, stand_in);
END $$;

-- The layers that are there.
DO $$
DECLARE
    one regproc;
BEGIN
    FOR one IN SELECT DISTINCT tgfoid FROM pg_trigger WHERE tgname = 'b4_shape' LOOP
        EXECUTE format('ALTER FUNCTION %s() SET plan_cache_mode = force_generic_plan', one);
    END LOOP;
END $$;
