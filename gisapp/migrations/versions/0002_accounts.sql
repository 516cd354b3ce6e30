-- Accounts, their sessions and tokens, the counts of wrong passwords, and the access log.

CREATE TABLE gisapp.accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username text NOT NULL CHECK (length(username) BETWEEN 1 AND 60),
    username_key text NOT NULL UNIQUE,
    password text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'inspector', 'reviewer', 'exporter', 'admin')),
    squadron_code text,
    language text CHECK (language IN ('zh', 'en')),
    active boolean NOT NULL DEFAULT true,
    must_change_password boolean NOT NULL DEFAULT true,
    fs_uniquifier text NOT NULL UNIQUE,
    tf_primary_method text,
    tf_totp_secret text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    password_set_at timestamptz NOT NULL DEFAULT now(),
    last_sign_in_at timestamptz
);

CREATE TABLE gisapp.sessions (
    digest bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES gisapp.accounts,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    address text NOT NULL,
    agent text NOT NULL
);
CREATE INDEX sessions_account ON gisapp.sessions (account_id);
CREATE INDEX sessions_seen ON gisapp.sessions (seen_at);

CREATE TABLE gisapp.api_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES gisapp.accounts,
    name text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_tokens_account ON gisapp.api_tokens (account_id);

-- Names and passwords in here are keyed digests.
CREATE TABLE gisapp.signin_failures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL,
    network text NOT NULL,
    device text NOT NULL,
    guess bytea NOT NULL,
    trusted boolean NOT NULL,
    times integer NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, network, device, guess)
);
CREATE INDEX signin_failures_network ON gisapp.signin_failures (network, first_at);
CREATE INDEX signin_failures_age ON gisapp.signin_failures (first_at);

CREATE TABLE gisapp.signin_places (
    account_id uuid NOT NULL REFERENCES gisapp.accounts,
    network text NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, network)
);

CREATE TABLE gisapp.access_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    act text NOT NULL,
    account_id uuid REFERENCES gisapp.accounts,
    username text,
    address text,
    detail jsonb NOT NULL DEFAULT '{}',
    request_id text
);
CREATE INDEX access_log_account ON gisapp.access_log (account_id, id);
CREATE INDEX access_log_act ON gisapp.access_log (act, id);

SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE ON gisapp.accounts, gisapp.api_tokens, gisapp.signin_places');
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE, DELETE ON gisapp.sessions, gisapp.signin_failures');
-- Evidence: what the application wrote it can neither change nor remove.
SELECT gisapp.grant_app('GRANT SELECT, INSERT ON gisapp.access_log');
