-- The import desk. Rows of an upload wait in a table of their own, typed as their layer, until somebody says what is
-- to become of them. Nothing here is evidence: a crash empties it, and the file is checked anew.
CREATE SCHEMA staging;
SELECT gisapp.grant_app('GRANT USAGE ON SCHEMA staging');

-- How a sender's columns were mapped the last time. `signature` is a hash of the column names, `name` what the person
-- calls the sender; '' when nobody said.
CREATE TABLE gisapp.import_mappings (
    layer text NOT NULL,
    signature text NOT NULL,
    name text NOT NULL,
    choices jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    saved_by text NOT NULL,
    PRIMARY KEY (layer, signature, name)
);
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE, DELETE ON gisapp.import_mappings');

-- The waiting rows of an import. Their own columns begin with _, which no field of a layer does.
CREATE FUNCTION gisapp.make_stage(import uuid, layer text, columns text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    name text := 'i_' || replace(import::text, '-', '');
    taken text := (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) AS c);
BEGIN
    IF NOT EXISTS (SELECT FROM gisapp.watched_layers AS w WHERE w.layer = make_stage.layer) THEN
        RAISE EXCEPTION 'no such layer';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS staging.%I', name);
    EXECUTE format('CREATE UNLOGGED TABLE staging.%I WITH (autovacuum_enabled = false) AS
        SELECT 0 AS _line, ''''::text AS _source, 0 AS _row, ''''::text AS _verdict, NULL::jsonb AS _faults,
               NULL::jsonb AS _done, NULL::jsonb AS _raw, ''''::text AS _act, NULL::uuid AS _twin, ''''::text AS _twin_by,
               0 AS _twin_version, NULL::boolean AS _same, ''''::text AS _frame, NULL::geometry AS _original, %s
          FROM layers.%I WITH NO DATA', name, taken, layer);
    PERFORM gisapp.grant_app(format('GRANT SELECT, INSERT, UPDATE, DELETE ON staging.%I', name));
END $$;

-- Indexes and figures, once the rows are in. `shown` is the geometry by which they are found, `keys` are other columns.
CREATE FUNCTION gisapp.settle_stage(import uuid, shapes text[], keys text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    name text := 'i_' || replace(import::text, '-', '');
    one text;
BEGIN
    EXECUTE format('CREATE UNIQUE INDEX ON staging.%I (_line)', name);
    FOREACH one IN ARRAY shapes LOOP
        EXECUTE format('CREATE INDEX ON staging.%I USING gist (%I)', name, one);
    END LOOP;
    FOREACH one IN ARRAY keys LOOP
        EXECUTE format('CREATE INDEX ON staging.%I (%I)', name, one);
    END LOOP;
    EXECUTE format('ANALYZE staging.%I', name);
END $$;

CREATE FUNCTION gisapp.drop_stage(import uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS staging.%I', 'i_' || replace(import::text, '-', ''));
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.make_stage(uuid, text, text[]), gisapp.settle_stage(uuid, text[], text[]),
    gisapp.drop_stage(uuid) FROM PUBLIC;
SELECT gisapp.grant_app('GRANT EXECUTE ON FUNCTION gisapp.make_stage(uuid, text, text[]),
    gisapp.settle_stage(uuid, text[], text[]), gisapp.drop_stage(uuid)');

-- The coordinates of a file as they came, where reading them undid a shift (GCJ-02, BD-09): `geom` is in the numbers
-- of `frame`, with no SRID. The first geometry of a feature only.
CREATE TABLE gisapp.origins (
    import_id uuid NOT NULL,
    layer text NOT NULL,
    feature_id uuid NOT NULL,
    frame text NOT NULL,
    geom geometry NOT NULL,
    PRIMARY KEY (layer, feature_id, import_id)
);
CREATE INDEX ON gisapp.origins (import_id);
SELECT gisapp.grant_app('GRANT SELECT, INSERT, DELETE ON gisapp.origins');
