-- PostGIS says of its trees of quarters that they can give back what they hold. They cannot: whoever counts a layer, or
-- asks whether it holds anything, may be given a plan of the index alone, which takes memory until the server is killed.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition
          FROM pg_index AS i
          JOIN pg_class AS c ON c.oid = i.indrelid AND c.relnamespace = 'layers'::regnamespace
          JOIN pg_class AS x ON x.oid = i.indexrelid
          JOIN pg_am AS m ON m.oid = x.relam AND m.amname = 'spgist'
    LOOP
        EXECUTE format('DROP INDEX %s', one.name);
        EXECUTE replace(one.definition, ' USING spgist ', ' USING gist ');
    END LOOP;
END $$;
