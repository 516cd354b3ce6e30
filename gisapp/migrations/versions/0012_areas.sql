-- Areas out of files, to ask questions with. They are never changed: a kept tile may lean on one.
CREATE TABLE gisapp.areas (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (length(name) <= 200),
    owner text NOT NULL,
    geom geometry(MultiPolygon, 4326) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX areas_owner ON gisapp.areas (owner, created_at);

CREATE FUNCTION gisapp.area_is_asked(area uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM gisapp.questions WHERE strpos(query::text, area::text) > 0)
$$;
SELECT gisapp.grant_app('GRANT SELECT, INSERT, DELETE ON gisapp.areas');
