-- Departments that files go to, and how they want them.
CREATE TABLE gisapp.receivers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    version integer NOT NULL DEFAULT 1,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    contact text NOT NULL DEFAULT '' CHECK (length(contact) <= 500),
    format text NOT NULL,
    crs text NOT NULL DEFAULT '',
    encoding text NOT NULL DEFAULT '',
    columns jsonb NOT NULL DEFAULT '{}',
    personal boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL
);
CREATE UNIQUE INDEX receivers_name ON gisapp.receivers (lower(name));

-- Every file that was made for somebody. `key` tells which question it answers, so that the next one can be compared
-- with it; a difference names the delivery `since` which it tells the changes.
CREATE TABLE gisapp.deliveries (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    at timestamptz NOT NULL DEFAULT now(),
    account_id uuid REFERENCES gisapp.accounts,
    username text NOT NULL,
    receiver_id uuid REFERENCES gisapp.receivers,
    receiver_name text,
    layer text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('full', 'difference')),
    since uuid REFERENCES gisapp.deliveries CHECK ((since IS NOT NULL) = (kind = 'difference')),
    asked jsonb NOT NULL,
    question jsonb NOT NULL,
    format text NOT NULL,
    crs text NOT NULL,
    encoding text NOT NULL,
    rows bigint NOT NULL,
    changes jsonb,
    bytes bigint NOT NULL,
    file_name text NOT NULL,
    files jsonb NOT NULL DEFAULT '[]',
    personal text[] NOT NULL DEFAULT '{}',
    reason text NOT NULL DEFAULT '',
    address text,
    request_id text,
    job_id uuid
);
CREATE INDEX deliveries_account ON gisapp.deliveries (account_id, number);
CREATE INDEX deliveries_receiver ON gisapp.deliveries (receiver_id, key, number);

-- Which features, a thousand a line in order of their ids, so that "who got this one" reads few lines.
CREATE TABLE gisapp.delivered (
    delivery_id uuid NOT NULL REFERENCES gisapp.deliveries,
    layer text NOT NULL,
    change text NOT NULL CHECK (change IN ('sent', 'added', 'changed', 'removed')),
    first uuid NOT NULL,
    last uuid NOT NULL,
    ids uuid[] NOT NULL,
    versions integer[] NOT NULL
);
CREATE INDEX delivered_delivery ON gisapp.delivered (delivery_id, layer, change, first);
CREATE INDEX delivered_feature ON gisapp.delivered (first, last);

-- Who took a file, and through which link.
CREATE TABLE gisapp.takings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    delivery_id uuid NOT NULL REFERENCES gisapp.deliveries,
    account_id uuid REFERENCES gisapp.accounts,
    username text,
    link_id uuid,
    address text
);
CREATE INDEX takings_delivery ON gisapp.takings (delivery_id, id);
CREATE INDEX takings_link ON gisapp.takings (link_id, at);

-- Links for receivers without an account. The address holds a signature that is not kept here.
CREATE TABLE gisapp.delivery_links (
    id uuid PRIMARY KEY,
    delivery_id uuid NOT NULL REFERENCES gisapp.deliveries,
    made_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    most integer NOT NULL CHECK (most BETWEEN 1 AND 1000),
    revoked_at timestamptz,
    revoked_by text
);
CREATE INDEX delivery_links_delivery ON gisapp.delivery_links (delivery_id);

SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE ON gisapp.receivers');
-- Evidence: what the application wrote it can neither change nor remove.
SELECT gisapp.grant_app('GRANT SELECT, INSERT ON gisapp.deliveries, gisapp.delivered, gisapp.takings');
SELECT gisapp.grant_app('GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by) ON gisapp.delivery_links');
