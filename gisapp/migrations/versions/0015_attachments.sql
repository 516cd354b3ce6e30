-- Photos of features. The bytes lie in instance/attachments under their SHA-256; a line here is what makes them count.
CREATE TABLE gisapp.attachments (
    id uuid PRIMARY KEY,
    layer text NOT NULL,
    feature_id uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes bigint NOT NULL CHECK (bytes > 0),
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    taken_at timestamptz,
    place geometry(Point, 4326),
    distance_m double precision,
    telling boolean NOT NULL,
    caption text NOT NULL DEFAULT '' CHECK (length(caption) <= 500),
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by text NOT NULL,
    request_id text,
    removed_at timestamptz,
    removed_by text,
    removed_why text,
    removed_request text,
    CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
COMMENT ON COLUMN gisapp.attachments.telling IS
    'The bytes hold more than a picture: a place, a device, a name. Not for who may not see personal data.';
CREATE INDEX attachments_feature ON gisapp.attachments (layer, feature_id);
CREATE INDEX attachments_sha256 ON gisapp.attachments (sha256);

-- Evidence: a photo is removed once, and the line says who did it; nothing else of it ever changes.
CREATE FUNCTION gisapp.attachment_removed_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL THEN
        RAISE EXCEPTION 'attachment % is removed already', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attachment_removed_once BEFORE UPDATE ON gisapp.attachments
    FOR EACH ROW EXECUTE FUNCTION gisapp.attachment_removed_once();

SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE (removed_at, removed_by, removed_why, removed_request)'
                        ' ON gisapp.attachments');
