-- Programs that read and write the layers as tables (QGIS): logins bound to accounts, and what an account may do
-- there. The views themselves, in schema `qgis`, follow the layer files: gisapp.desktop makes them after migrations.

-- The role may be missing on a managed server that forbids CREATE ROLE; then there are no such logins.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gisapp_qgis') THEN
        BEGIN
            CREATE ROLE gisapp_qgis NOLOGIN;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'role gisapp_qgis is missing and may not be created here';
        END;
    END IF;
END $$;

CREATE TABLE gisapp.desktop_logins (
    login name PRIMARY KEY,
    account_id uuid NOT NULL UNIQUE REFERENCES gisapp.accounts,
    made_at timestamptz NOT NULL DEFAULT now(),
    made_by text NOT NULL
);

-- Copies of gisapp.permissions and of the layer files' states, brought up to date with the views.
CREATE TABLE gisapp.desktop_acts (
    role text NOT NULL,
    act text NOT NULL,
    PRIMARY KEY (role, act)
);
CREATE TABLE gisapp.desktop_states (
    layer text NOT NULL,
    state text NOT NULL,
    next text[] NOT NULL,
    PRIMARY KEY (layer, state)
);

-- The account behind the login of this connection; no row for one that is disabled or waits for its first password.
-- SET ROLE changes nothing here: the login is that of the connection.
CREATE FUNCTION gisapp.desktop_account(OUT username text, OUT role text, OUT squadron_code text)
RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT a.username, a.role, a.squadron_code
      FROM gisapp.desktop_logins AS l JOIN gisapp.accounts AS a ON a.id = l.account_id
     WHERE l.login = session_user AND a.active AND NOT a.must_change_password
$$;

CREATE FUNCTION gisapp.desktop_may(wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM gisapp.desktop_account() AS a JOIN gisapp.desktop_acts AS r USING (role)
                    WHERE r.act = wanted)
$$;

-- Of the columns `names`, those in which two rows differ (or all that have a value, with `old` NULL).
CREATE FUNCTION gisapp.desktop_given(names text[], old anyelement, fresh anyelement) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found text[];
BEGIN
    EXECUTE 'SELECT array_remove(ARRAY[' || (
        SELECT string_agg(format('CASE WHEN ($1).%1$I IS DISTINCT FROM ($2).%1$I THEN %1$L END', n), ', ')
          FROM unnest(names) AS n) || ']::text[], NULL)' INTO found USING old, fresh;
    RETURN found;
END $$;

-- Refuse what the account may not do, or where; whoever may delete may also correct a state set by mistake.
CREATE FUNCTION gisapp.desktop_refuse(said_zh text, said_en text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% / %', said_zh, said_en USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION gisapp.desktop_place(squadron text, own text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF own IS NOT NULL AND own IS DISTINCT FROM squadron THEN
        PERFORM gisapp.desktop_refuse(format('只能修改中队 %s 辖区内的要素', own),
                                      format('outside the territory of squadron %s', own));
    END IF;
END $$;

-- A row of a view of schema qgis is written: the same questions that the application asks, then the layer's table,
-- whose triggers stamp, assign and record as ever. TG_ARGV: 'assigned' or '', then every writable column, a personal
-- one with a leading '-'.
CREATE FUNCTION gisapp.desktop_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target text := format('layers.%I', TG_TABLE_NAME);
    squadron text := CASE WHEN TG_ARGV[0] = 'assigned' THEN 'squadron_code' ELSE 'NULL::text' END;
    own text := CASE WHEN TG_ARGV[0] = 'assigned' THEN 'x' END;
    writable text[] := ARRAY(SELECT ltrim(a, '-') FROM unnest(TG_ARGV[1:]) AS a);
    personal text[] := ARRAY(SELECT ltrim(a, '-') FROM unnest(TG_ARGV[1:]) AS a WHERE a LIKE '-%');
    act text := CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END;
    who record;
    before record;
    given text[];
    place text;
BEGIN
    SELECT * INTO who FROM gisapp.desktop_account();
    IF NOT FOUND OR NOT gisapp.desktop_may(act) THEN
        PERFORM gisapp.desktop_refuse(format('您的角色不能执行 %s', act), format('your role may not %s', act));
    END IF;
    own := CASE WHEN own IS NOT NULL THEN who.squadron_code END;
    PERFORM set_config('gisapp.user', who.username, true), set_config('gisapp.request', 'qgis', true);
    IF TG_OP <> 'INSERT' THEN
        EXECUTE format('SELECT version, %s AS squadron_code FROM %s WHERE id = $1 FOR UPDATE', squadron, target)
            INTO before USING OLD.id;
        IF before.version IS DISTINCT FROM OLD.version THEN
            RAISE EXCEPTION '要素已被他人修改，请刷新后重试 / somebody else has changed the feature: refresh and try again'
                USING ERRCODE = 'serialization_failure';
        END IF;
        PERFORM gisapp.desktop_place(before.squadron_code, own);
    END IF;
    IF TG_OP = 'DELETE' THEN
        EXECUTE format('DELETE FROM %s WHERE id = $1', target) USING OLD.id;
        RETURN OLD;
    ELSIF TG_OP = 'INSERT' THEN
        NEW.id := coalesce(NEW.id, gen_random_uuid());
        given := gisapp.desktop_given(ARRAY['id'] || writable, NULL, NEW);
    ELSE
        given := gisapp.desktop_given(writable, OLD, NEW);
        IF gisapp.desktop_given(ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0
                AND NOT attisdropped AND attname <> ALL (writable)), OLD, NEW) <> '{}' THEN
            PERFORM gisapp.desktop_refuse('编号、版本、登记信息、区域和量算的面积长度不能直接修改',
                                          'id, version, stamps, territories and measured sizes follow from the rest');
        END IF;
    END IF;
    IF given && personal AND NOT gisapp.desktop_may('read_personal') THEN
        PERFORM gisapp.desktop_refuse('您的角色不能写个人信息', 'your role may not write personal data');
    END IF;
    IF given = '{}' THEN
        RETURN NEW;
    ELSIF TG_OP = 'INSERT' THEN
        EXECUTE format('INSERT INTO %s (%s) SELECT %s RETURNING %s', target,
                (SELECT string_agg(quote_ident(g), ', ') FROM unnest(given) AS g),
                (SELECT string_agg(format('($1).%I', g), ', ') FROM unnest(given) AS g), squadron)
            INTO place USING NEW;
    ELSE
        IF 'status' = ANY (given) AND NOT gisapp.desktop_may('delete') THEN
            PERFORM gisapp.desktop_step(TG_TABLE_NAME, OLD, NEW);
        END IF;
        EXECUTE format('UPDATE %s SET %s WHERE id = ($1).id RETURNING %s', target,
                (SELECT string_agg(format('%1$I = ($1).%1$I', g), ', ') FROM unnest(given) AS g), squadron)
            INTO place USING NEW;
    END IF;
    PERFORM gisapp.desktop_place(place, own);
    RETURN NEW;
END $$;

-- Refuse a state that may not follow the one before.
CREATE FUNCTION gisapp.desktop_step(of_layer text, old anyelement, fresh anyelement) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    was text;
    becomes text;
BEGIN
    EXECUTE 'SELECT ($1).status, ($2).status' INTO was, becomes USING old, fresh;
    IF EXISTS (SELECT FROM gisapp.desktop_states AS s
                WHERE s.layer = of_layer AND s.state = was AND becomes <> ALL (s.next)) THEN
        PERFORM gisapp.desktop_refuse(format('状态 %s 之后不能是 %s', was, becomes),
                                      format('state %s does not follow %s', becomes, was));
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION gisapp.desktop_account() FROM PUBLIC;
