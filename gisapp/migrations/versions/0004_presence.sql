-- Who looks at or edits which feature. A row lives half a minute, so that losing all of them in a crash
-- costs nothing: hence unlogged.
CREATE UNLOGGED TABLE gisapp.presence (
    layer text NOT NULL,
    feature_id uuid NOT NULL,
    username text NOT NULL,
    act text NOT NULL CHECK (act IN ('view', 'edit')),
    since timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (layer, feature_id, username, act)
);
CREATE INDEX presence_seen ON gisapp.presence (seen_at);
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE, DELETE ON gisapp.presence');

-- As before, but a feature that comes back after its deletion keeps when and by whom it was first registered:
-- its place on the time line and in statistics stays what it was.
CREATE OR REPLACE FUNCTION gisapp.stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last_version integer;
    first_at timestamptz;
    first_by text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        EXECUTE format('SELECT version, created_at, created_by FROM layers.%I WHERE id = $1
                        ORDER BY version DESC LIMIT 1', TG_TABLE_NAME || '_history')
            INTO last_version, first_at, first_by USING NEW.id;
        NEW.version := coalesce(last_version, 0) + 1;
        NEW.created_at := coalesce(first_at, now());
        NEW.created_by := coalesce(first_by, gisapp.acting_user());
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
