-- A million builds, 200 000 signs and 20 000 routes within one city of 25 by 30 km, clustered: the heaviest tiles
-- that an office could come to have. Loaded without triggers, since nothing but tiles is measured on it.
SET session_replication_role = replica;
SET statement_timeout = 0;
SELECT setseed(0.42);
CREATE TEMP TABLE centres AS
SELECT i, 113.38 + (random() + random() + random() - 1.5) * 0.10 AS cx,
       31.69 + (random() + random() + random() - 1.5) * 0.08 AS cy, 0.002 + random() * 0.006 AS s
  FROM generate_series(1, 60) AS i;

INSERT INTO layers.illegal_builds (case_no, build_type, party_name, address, illegal_area_m2, status, synthetic, geom)
SELECT 'WJD' || lpad(g::text, 8, '0'), kinds[1 + g % array_length(kinds, 1)], '演示当事人' || g,
       '演示路' || g % 500 || '号', 20 + g % 300, states[1 + g % array_length(states, 1)], true,
       ST_Multi(ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[
           ST_MakePoint(x, y), ST_MakePoint(x + w, y + k), ST_MakePoint(x + w - k, y + h + k),
           ST_MakePoint(x + w / 2, y + h + k * 0.4), ST_MakePoint(x - k, y + h), ST_MakePoint(x, y)])), 4326))
  FROM (SELECT g, cx + (random() + random() + random() - 1.5) * 4 * s AS x,
               cy + (random() + random() + random() - 1.5) * 4 * s AS y,
               (5 + 25 * random() * random()) / 94600 AS w, (5 + 25 * random() * random()) / 110900 AS h,
               (random() - 0.5) * 0.00001 AS k
          FROM (SELECT g, 1 + floor(60 * random() * random())::integer AS i
                  FROM generate_series(1, 1000000 - (SELECT count(*) FROM layers.illegal_builds)) AS g) AS n
          JOIN centres USING (i)) AS place,
       (SELECT array_agg(code ORDER BY code) AS kinds FROM codes.build_type WHERE NOT retired) AS k2,
       (SELECT array_agg(code ORDER BY code) AS states FROM codes.illegal_builds_status) AS s2
 ORDER BY ST_GeoHash(ST_SetSRID(ST_MakePoint(x, y), 4326), 10);

INSERT INTO layers.rooftop_signs (sign_no, sign_kind, area_m2, status, synthetic, geom)
SELECT 'D' || g, kinds[1 + g % array_length(kinds, 1)], 12, states[1 + g % array_length(states, 1)], true, p
  FROM (SELECT g, ST_SetSRID(ST_MakePoint(cx + (random() + random() + random() - 1.5) * 4 * s,
                                          cy + (random() + random() + random() - 1.5) * 4 * s), 4326) AS p
          FROM (SELECT g, 1 + floor(60 * random() * random())::integer AS i
                  FROM generate_series(1, 200000 - (SELECT count(*) FROM layers.rooftop_signs)) AS g) AS n
          JOIN centres USING (i)) AS place,
       (SELECT array_agg(code ORDER BY code) AS kinds FROM codes.sign_kind WHERE NOT retired) AS k2,
       (SELECT array_agg(code ORDER BY code) AS states FROM codes.rooftop_signs_status) AS s2
 ORDER BY ST_GeoHash(p, 10);

INSERT INTO layers.truck_routes (route_no, name, leg, status, synthetic, geom)
SELECT 'D' || lpad(g::text, 6, '0'), '演示线路' || g, (SELECT min(code) FROM codes.route_leg),
       (SELECT min(code) FROM codes.truck_routes_status), true,
       ST_Multi(ST_SetSRID(ST_MakeLine(array_agg(ST_MakePoint(x, y) ORDER BY k)), 4326))
  FROM (SELECT g, k,
               113.38 + (h1 - 0.5) * 0.12 + sum(cos(a) * 0.0003) OVER (PARTITION BY g ORDER BY k) AS x,
               31.69 + (h2 - 0.5) * 0.1 + sum(sin(a) * 0.00025) OVER (PARTITION BY g ORDER BY k) AS y
          FROM (SELECT g, k, h1, h2, h3 * 6.283 + sum((random() - 0.5) * 0.35) OVER (PARTITION BY g ORDER BY k) AS a
                  FROM (SELECT g, random() AS h1, random() AS h2, random() AS h3,
                               200 + floor(random() * 300)::integer AS points
                          FROM generate_series(1, 20000 - (SELECT count(*) FROM layers.truck_routes)) AS g) AS r,
                       LATERAL generate_series(1, points) AS k) AS turned) AS walked
 GROUP BY g;

SELECT gisapp.rebuild_tiles('illegal_builds'), gisapp.rebuild_tiles('rooftop_signs'),
       gisapp.rebuild_tiles('truck_routes');
RESET session_replication_role;
