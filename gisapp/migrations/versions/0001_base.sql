-- Schemas, the application role's rights, and the functions behind every layer's triggers.

CREATE SCHEMA IF NOT EXISTS gisapp;
CREATE SCHEMA IF NOT EXISTS layers;
CREATE SCHEMA IF NOT EXISTS codes;

-- The application role may be missing on a managed server that forbids CREATE ROLE; then the owner serves
-- and the rights below cannot be enforced (`gisapp check` says so).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gisapp_app') THEN
        BEGIN
            CREATE ROLE gisapp_app NOLOGIN;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'role gisapp_app is missing and may not be created here';
        END;
    END IF;
END $$;

CREATE FUNCTION gisapp.grant_app(rights text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gisapp_app') THEN
        EXECUTE rights || ' TO gisapp_app';
    END IF;
END $$;

SELECT gisapp.grant_app('GRANT USAGE ON SCHEMA gisapp, layers, codes');
ALTER DEFAULT PRIVILEGES IN SCHEMA codes GRANT SELECT ON TABLES TO gisapp_app;

-- Who acts: the account that the application names for this transaction, else the database login (QGIS, psql).
CREATE FUNCTION gisapp.acting_user() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('gisapp.user', true), ''), session_user::text)
$$;

-- What is done once, such as loading the demo data.
CREATE TABLE gisapp.marks (
    name text PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now(),
    detail jsonb NOT NULL DEFAULT '{}'
);
SELECT gisapp.grant_app('GRANT SELECT ON gisapp.marks');

-- Uploads waiting for their mapping; the files lie in the instance folder.
CREATE TABLE gisapp.imports (
    id uuid PRIMARY KEY,
    account_id text NOT NULL,
    layer text NOT NULL,
    file_name text NOT NULL,
    folder text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL,
    summary jsonb NOT NULL DEFAULT '{}'
);
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE, DELETE ON gisapp.imports');

-- Version and stamps. A feature that comes back after its deletion goes on counting, so that an ETag
-- never means two contents.
CREATE FUNCTION gisapp.stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last integer;
BEGIN
    IF TG_OP = 'INSERT' THEN
        EXECUTE format('SELECT max(version) FROM layers.%I WHERE id = $1', TG_TABLE_NAME || '_history')
            INTO last USING NEW.id;
        NEW.version := coalesce(last, 0) + 1;
        NEW.created_at := now();
        NEW.created_by := gisapp.acting_user();
    ELSE
        IF NEW.id <> OLD.id THEN
            RAISE EXCEPTION 'the id of a feature is permanent' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        NEW.version := OLD.version + 1;
        NEW.created_at := OLD.created_at;
        NEW.created_by := OLD.created_by;
    END IF;
    NEW.updated_at := clock_timestamp();
    NEW.updated_by := gisapp.acting_user();
    RETURN NEW;
END $$;

-- District, street, community, grid and squadron of a place: of the areas that cover it the one with the
-- lowest code, so that a place on a border has one answer.
CREATE FUNCTION gisapp.territory(place geometry, OUT district_code text, OUT street_code text,
                                 OUT community_code text, OUT grid_code text, OUT squadron_code text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT min(code) INTO district_code FROM layers.districts WHERE ST_Covers(geom, place);
    SELECT min(code) INTO street_code FROM layers.streets WHERE ST_Covers(geom, place);
    SELECT min(code) INTO community_code FROM layers.communities WHERE ST_Covers(geom, place);
    SELECT min(code) INTO grid_code FROM layers.unit_grids WHERE ST_Covers(geom, place);
    SELECT min(code) INTO squadron_code FROM layers.squadron_territories WHERE ST_Covers(geom, place);
END $$;

-- The point by which a feature belongs to a territory.
CREATE FUNCTION gisapp.place_of(shape geometry) RETURNS geometry LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE GeometryType(shape) WHEN 'POINT' THEN shape ELSE ST_PointOnSurface(shape) END
$$;

-- TG_ARGV[0] names the geometry that may stand in for the main one, or is empty. Territory codes are never
-- taken from a client: they follow from the place.
CREATE FUNCTION gisapp.assign_territory() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    shape geometry := NEW.geom;
    before geometry;
BEGIN
    IF shape IS NULL AND TG_ARGV[0] <> '' THEN
        EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) INTO shape USING NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        before := OLD.geom;
        IF before IS NULL AND TG_ARGV[0] <> '' THEN
            EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) INTO before USING OLD;
        END IF;
        IF shape IS NOT DISTINCT FROM before
           AND (NEW.district_code, NEW.street_code, NEW.community_code, NEW.grid_code, NEW.squadron_code)
               IS NOT DISTINCT FROM
               (OLD.district_code, OLD.street_code, OLD.community_code, OLD.grid_code, OLD.squadron_code) THEN
            RETURN NEW;
        END IF;
    END IF;
    SELECT t.district_code, t.street_code, t.community_code, t.grid_code, t.squadron_code
      INTO NEW.district_code, NEW.street_code, NEW.community_code, NEW.grid_code, NEW.squadron_code
      FROM gisapp.territory(gisapp.place_of(shape)) AS t;
    RETURN NEW;
END $$;

-- Every value of a list-valued field is a code of its list. TG_ARGV: column, code list, column, code list …
CREATE FUNCTION gisapp.check_codes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given text[];
    wrong text;
    i integer := 0;
BEGIN
    WHILE i < TG_NARGS LOOP
        EXECUTE format('SELECT ($1).%I', TG_ARGV[i]) INTO given USING NEW;
        IF given IS NOT NULL THEN
            EXECUTE format('SELECT v FROM unnest($1) AS v WHERE v IS NULL OR NOT EXISTS '
                           '(SELECT FROM codes.%I AS c WHERE c.code = v) LIMIT 1', TG_ARGV[i + 1])
                INTO wrong USING given;
            IF FOUND AND wrong IS NOT NULL THEN
                RAISE EXCEPTION '% is not a code of %', wrong, TG_ARGV[i + 1]
                    USING ERRCODE = 'foreign_key_violation', COLUMN = TG_ARGV[i];
            END IF;
        END IF;
        i := i + 2;
    END LOOP;
    RETURN NEW;
END $$;

-- Every version with its period and author, in the same transaction as the change, whoever makes it.
-- A deletion leaves a last row of empty period that says who deleted.
CREATE FUNCTION gisapp.record_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
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
    closing := format(
        'WITH closed AS (UPDATE %s AS h SET valid_to = greatest($1, h.valid_from + interval ''1 microsecond'')
            FROM old_rows AS o WHERE h.id = o.id AND h.valid_to = ''infinity'' RETURNING h.id, h.valid_to) ', history);
    adding := format('INSERT INTO %s (%s, changed_by, request_id, db_user, operation, valid_from, valid_to)
        SELECT %s, gisapp.acting_user(), nullif(current_setting(''gisapp.request'', true), ''''), session_user, ',
        history, columns, source);
    IF TG_OP = 'INSERT' THEN
        EXECUTE adding || '''insert'', $1, ''infinity'' FROM new_rows AS r' USING moment;
    ELSIF TG_OP = 'UPDATE' THEN
        EXECUTE closing || adding || '''update'', coalesce(c.valid_to, $1), ''infinity''
            FROM new_rows AS r LEFT JOIN closed AS c ON c.id = r.id' USING moment;
    ELSE
        EXECUTE closing || adding || '''delete'', coalesce(c.valid_to, $1), coalesce(c.valid_to, $1)
            FROM old_rows AS r LEFT JOIN closed AS c ON c.id = r.id' USING moment;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gisapp.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'layer tables are not truncated: delete the rows, so that history keeps them';
END $$;

-- Set all triggers and rights of a layer's table. `code_arrays` holds column, code list, column, code list …
-- Row triggers run in the order of their names.
CREATE FUNCTION gisapp.watch_layer(layer text, assigned boolean, stand_in text, code_arrays text[])
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
REVOKE EXECUTE ON FUNCTION gisapp.watch_layer(text, boolean, text, text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION gisapp.grant_app(text) FROM PUBLIC;
