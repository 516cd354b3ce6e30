-- Questions that were saved. `query` holds the parameters of an items request, as text by name.
-- `shared_with` is nobody, everybody, or a role.
CREATE TABLE gisapp.questions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    version integer NOT NULL DEFAULT 1,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    owner text NOT NULL,
    layer text NOT NULL,
    query jsonb NOT NULL,
    shared_with text NOT NULL DEFAULT 'nobody',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX questions_owner ON gisapp.questions (owner);

-- When a reader last noted what a question answered. `question` is the id of a saved one or of one that ships.
CREATE TABLE gisapp.question_runs (
    question text NOT NULL,
    username text NOT NULL,
    ran_at timestamptz NOT NULL,
    PRIMARY KEY (question, username)
);
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE, DELETE ON gisapp.questions, gisapp.question_runs');
