-- Whole numbers.
select 7 / 2
select -7 % 3, 7 % -3
select a % b from t where b is not null and id < 4 order by id
select 2 ^ 3
select 2 * 3 ^ 2, -2 ^ 2, 2 ^ 3 ^ 2
select 2 ^ -1
select 1 << 2 + 1
select 5 & 3, 5 | 3
select 9223372036854775807 + 1
select a + 1 from t order by id
select a * 2 from t where id = 6
select -a from t order by id
select - (-9223372036854775807 - 1)
select 1 / 0
select 1 % 0
select abs(-5), sign(-5), sign(0)
select sum(a) from t
select sum(a), avg(a) from t where id in (1, 2, 3)
select sum(a) over (order by id) from t order by id
select sum(a) over (order by id rows between 1 preceding and current row) from t order by id
select avg(a) over (order by id rows between 1 preceding and current row) from t where id < 6 order by id
select sum(distinct a) from t
select sum(a) filter (where a > 0 and id < 6) from t
select g, sum(a), count(*), count(a) from t where id < 6 group by g order by g nulls last
select sum(b) / count(b) from t where id < 4
select avg(v) from (values (9007199254740993), (9007199254740994), (9007199254740995)) as q(v)
select sum(v) from (values (9223372036854775807), (9223372036854775807), (5)) as q(v)
select sum(v) * 2 from (values (1), (2)) as q(v)
select max(a), min(a) from t
select round(avg(b), 2) from t
select greatest(1, null, 3), least(1, null, 3)
select greatest(a, b) from t order by id
select gcd(12, 18), lcm(4, 6)
select factorial(5)
select mod(-7, 3)
select row_number() over (order by id) - row_number() over (order by id desc) from t order by id
select id from t where id between 2 and 4 order by id
select 1 = 1.0
select 10000000000 * 10000000000
-- Floats and decimals.
select 0.5::double precision + 0.25::double precision
select round(2.5), round(-2.5), round(3.5)
select round(2.345, 2), round(1234.5, -2)
select ceil(1.2), floor(-1.2), trunc(-1.7)
select cast(x as int) from t where id < 4 order by id
select cast(2.5 as int), cast(3.5 as int), cast(-2.5 as int)
select cast(2.4 as int), cast(-2.6 as bigint)
select 1.0 / 3
select m / 3 from t where id = 1
select m * m, m + m, m - 1 from t where id = 1
select sum(m), avg(m) from t
select sum(m) / 3 from t where id in (1, 5)
select avg(m) from t where id in (1, 3, 6)
select cast(m as int) from t where m is not null order by id
select cast('1.25' as decimal(10, 1))
select sqrt(16), cbrt(27), exp(0), ln(1)
select power(2, 10), power(2, 0.5)
select 1e308 * 10 > 1
select 'NaN'::double precision = 'NaN'::double precision
select 'NaN'::double precision > 1e300
select count(distinct v) from (values (0.0::double precision), (-0.0::double precision)) as q(v)
select count(*) from t join u on t.x = u.x
select count(*) from u where x in (0.0, 1.0)
select v, count(*) from (values (0.0::double precision), (-0.0::double precision)) as q(v) group by v
select 0.0::double precision = -0.0::double precision
select count(*) from (select x from u union select -x from u where x = 0) q
select stddev(x) from t where id = 1
select stddev(x), variance(x), stddev_pop(x), var_pop(x) from t where id < 4
select corr(a, b) from t where id < 4
select median(b) from t
select percentile_cont(0.7) within group (order by v) from (values (1), (2), (3), (4)) as q(v)
select percentile_cont(0.5) within group (order by a) from t where id < 6
select percentile_cont(0.25) within group (order by v desc) from (values (1), (2), (3), (4)) as q(v)
select regr_slope(a, b) from t where id < 4
select sum(v) from (values (0.1::double precision), (0.2::double precision), (0.3::double precision)) as q(v)
select sum(x) from t where id > 100
select count(x), count(distinct x) from t
select sum(x) s, sum(cast(x as int)) i from t where id < 4
select 1.5::real + 1
select degrees(pi()), radians(180)
select log(100), log10(1000), log2(8)
-- Text.
select length('Straße'), upper('straße'), lower('ÉCLAIR')
select length(s), octet_length(s) from t order by id
select substr('hello', 2, 3), substr('hello', 0, 3), substr('hello', -1, 3)
select substring('hello' from 2 for 3), substring('hello' from 3)
select substring('日本語' from 2 for 1)
select left('hello', 2), left('hello', -2), right('hello', 2), right('hello', -2)
select position('l' in 'hello'), strpos('hello', 'z')
select trim('  x '), ltrim('xxy', 'x'), rtrim('yxx', 'x'), trim(both 'x' from 'xyx')
select lpad('7', 3, '0'), rpad('abc', 2), lpad('abc', 2, 'x')
select replace('aaa', 'a', 'b'), reverse('日本'), repeat('ab', 2)
select split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 5)
select split_part('a,b,c', ',', -1)
select concat('a', null, 'b'), 'a' || null
select concat_ws('-', 'a', null, 'b')
select initcap('hello world')
select ascii('é'), chr(233)
select translate('12345', '143', 'ax')
select overlay('Txxxxas' placing 'hom' from 2 for 4)
select md5('a')
select 'abc' like 'a%', 'abc' like 'A%', 'abc' ilike 'A%', 'abc' not like '%b%'
select s like 'a\%b%' from t order by id
select s like 'a!%b!_c' escape '!' from t order by id
select 'a%b' like 'a\%b', 'axb' like 'a\%b'
select 'abc' similar to 'a%', 'foo' similar to 'f', 'foo' similar to '(f|g)o+', 'a.c' similar to 'a_c', 'abc' not similar to 'a%'
select 'foo' similar to '%o#_' escape '#'
select 'abc' ~ '^a', 'abc' ~* '^A', 'abc' !~ 'z'
select regexp_replace('aXbX', 'X', '-'), regexp_replace('aXbX', 'X', '-', 'g')
select regexp_replace('abc', '(b)', '[\1]')
select 'a' < 'B', 'a' < 'b', 'Z' < 'a'
select string_agg(g, ',' order by id) from t
select string_agg(distinct g, ',' order by g) from t
select max(s), min(s) from t
select cast('12' as int), cast(' 12 ' as int), cast('-3' as bigint)
select cast('1.5' as double precision), cast('1e3' as double precision)
select cast('abc' as int)
select cast('true' as boolean), cast('f' as boolean), cast('yes' as boolean)
select cast(true as int), cast(0 as boolean)
select cast(1.0::double precision as text), cast(12 as text), cast(true as text)
select cast(date '2024-02-29' as text)
select cast(timestamp '2024-02-29 12:00:00' as text)
select to_hex(255)
select starts_with('hello', 'he')
select '5' = 5
select 'a' || 1
select e'a\nb'
select 'it''s'
-- Nulls.
select null = null, null is null, 1 is distinct from null, null is not distinct from null
select 1 where 1 not in (2, null)
select id from t where a not in (7, null)
select id from t where id not in (select id from u where id is not null) order by id
select id from t where id not in (select id from u) order by id
select id from t where id in (select id from u) order by id
select a from t order by a
select a from t order by a desc
select a from t order by a nulls first
select a from t order by a desc nulls last
select coalesce(null, 2), nullif(1, 1), nullif(2, 1)
select coalesce(a, 0.5) from t order by id
select case when a > 0 then 'pos' when a < 0 then 'neg' end from t order by id
select case a when 7 then 1 else 0.5 end from t order by id
select count(*), count(a), count(distinct g) from t
select bool_and(f), bool_or(f) from t
select every(f) from t
select true and null, false and null, true or null
select sum(a) from t where false
select count(*) from t where false
select max(a) from t where false having count(*) > 0
select not f from t order by id
select array_agg(g order by id) from t
-- Dates and moments.
select date '2024-01-31' + interval '1 month', date '2024-03-31' - interval '1 month'
select date '2024-01-31' + 1, date '2024-01-31' - 1
select date '2024-03-01' - date '2024-02-01'
select d - date '2024-01-01' from t order by id
select timestamp '2024-03-10 12:00:00' - timestamp '2024-03-09 00:00:00'
select ts - timestamp '1970-01-01 00:00:00' from t order by id
select timestamp '9999-12-31 23:59:59' - timestamp '2021-05-01 00:00:00'
select id from t where ts = timestamp '9999-12-31 23:59:59'
select id from t where ts > '2500-01-01' order by id
select id from t where ts between '2000-01-01' and '9999-12-31 23:59:59' order by id
select id from t where ts in ('1970-01-01', '9999-12-31 23:59:59') order by id
select id from t where d > '2024-01-31' order by id
select id from t where d = ts order by id
select id from t where d < ts order by id
select date_trunc('month', ts) from t order by id
select date_trunc('week', d) from t order by id
select date_trunc('quarter', timestamp '2024-05-15 10:00:00'), date_trunc('decade', timestamp '2024-05-15 10:00:00')
select extract(year from d), extract(month from d), extract(day from d) from t order by id
select extract(dow from d), extract(doy from d), extract(week from d), extract(isodow from d) from t order by id
select extract(epoch from ts) from t order by id
select extract(epoch from interval '1 day 2 hours')
select extract(hour from ts), extract(minute from ts), extract(second from ts) from t order by id
select extract(quarter from d), date_part('year', d) from t order by id
select extract(century from d), extract(decade from d) from t order by id
select extract(day from timestamp '2024-03-10 00:00:00' - timestamp '2024-03-01 12:00:00')
select extract(epoch from timestamp '2024-03-10 00:00:00' - timestamp '2024-03-01 12:00:00')
select interval '1 day' = interval '24 hours', interval '1 month' = interval '30 days'
select interval '1 month' > interval '29 days', interval '2 days' < interval '1 month'
select id from t where ts - timestamp '2024-01-31 00:00:00' > interval '30 days' order by id
select id from t where timestamp '2024-02-01 00:00:00' - ts < interval '1 day' order by id
select v from (values (interval '1 month'), (interval '2 days'), (interval '1 hour')) as q(v) order by v
select max(v) from (values (interval '1 month'), (interval '2 days'), (interval '1000 hours')) as q(v)
select max(ts - timestamp '2000-01-01 00:00:00') from t
select interval '1 day' * 3, interval '3 days' / 2
select interval '1 year' + interval '1 month'
select sum(v) from (values (interval '1 day'), (interval '2 days')) as q(v)
select timestamp '2024-01-31 10:00:00' + interval '1 month 1 day 1 hour'
select timestamp '2024-02-29 10:00:00' - interval '1 year'
select time '10:30:00' > time '05:00:00'
select time '10:30:00' + interval '1 hour'
select time '10:30:00' - time '10:00:00'
select date '2024-01-01' + time '10:00:00'
select cast(ts as date) from t order by id
select cast(d as timestamp) from t order by id
select cast('2024-02-30' as date)
select cast('2024-02-29 12:00:00' as timestamp), cast('2024-02-29' as timestamp)
select cast('2024-02-29T12:00:00Z' as timestamp)
select cast(ts as date), cast(ts as text) from t where id = 2
select make_date(2024, 2, 29)
select min(ts), max(d) from t
select coalesce(ts, now()) from t where id = 6
select greatest(ts, timestamp '2024-01-01 00:00:00') from t where id < 3 order by id
select case when d is null then ts else d end from t where id in (1, 4) order by id
select timestamp '2024-07-01 12:00:00' at time zone 'America/New_York'
select timestamptz '2024-07-01 12:00:00+02' = timestamptz '2024-07-01 10:00:00+00'
select generate_series from generate_series(1, 3)
select unnest(generate_series(1, 3))
select d from t where d is not null union all select ts from t where id = 2 order by 1
-- Shapes of queries.
select 1, 1
select id, id from t where id = 1
select g, g as g from t where id = 1
select cast(d as date), cast(d as text) from t where id = 1
select x as id, id from t where id = 1
select *, id from u where id = 1
select g, round(avg(b), 1) from t group by 1 order by 2
select g, count(*) c from t group by g having count(*) > 1 order by c desc
select g as k, count(*) from t group by k order by k
select count(*) from t group by g order by count(*), g
select distinct g from t order by g
select g from t order by a + b
select exists (select 1 from u where u.id = t.id) from t order by t.id
select id, not exists (select 1 from u where u.id = t.id) from t order by id
select exists (select 1 from u where id = 99)
select case when exists (select 1 from u where u.id = t.id) then 'y' else 'n' end from t order by t.id
select id, v from t join u using (id) order by id, v
select id, v from t join u using (id) where id = 2 order by v
select t.id, v from t left join u using (id) where id > 2 order by 1
select id, count(*) from t join u using (id) where id < 7 group by id order by id
select * from t natural join u where v = 'one'
select t.id, u.v from t left join u on t.id = u.id order by t.id, u.v
select coalesce(t.id, u.id) from t full join u on t.id = u.id order by 1
select count(*) from t cross join u
select count(*) from t, lateral (select * from u where u.id = t.id) q
select t.id, (select count(*) from u where u.id = t.id) from t order by t.id
select t.id, (select max(v) from u where u.id = t.id) from t order by t.id
select (select 1 where false)
select id from t where a > (select avg(b) from t) order by id
select id from t where id > all (select id from u where id < 3) order by id
select id from t where id = any (select id from u) order by id
select g, b, sum(x) from t where id < 6 group by rollup (g, b) order by g, b
select g, count(*), grouping(g) from t group by grouping sets ((g), ()) order by 2, 1
select g, f, count(*) from t group by cube (g, f) order by 3, 1, 2
select 1 union select 1 union all select 1
select 1 union select 1.5 order by 1
select 1 intersect select 1
select g from t except select 'p' order by 1
select * from (values (1, 'a'), (2, 'b')) as q(n, c) order by n
with q as (select a from t where a > 0) select count(*) from q
select id from t order by id limit 2 offset 1
select id from t order by id limit 0
select id from t order by id offset 4
select id from t order by id limit null
select id from t limit -1
select rank() over (order by g), dense_rank() over (order by g), row_number() over (order by g, id) from t order by g, id
select lag(id) over (order by id), lead(id, 2, 0) over (order by id) from t order by id
select first_value(id) over (partition by g order by id), last_value(id) over (partition by g order by id) from t order by id
select ntile(4) over (order by id), percent_rank() over (order by id), cume_dist() over (order by id) from t order by id
select nth_value(id, 2) over (order by id) from t order by id
select sum(b) over (partition by g order by id range between unbounded preceding and current row) from t order by id
select sum(b) over w from t window w as (order by id) order by id
select count(*) over () from t limit 1
select max(b) over (order by id rows between unbounded preceding and 1 preceding) from t order by id
select sum(v) over (order by v range between 1 preceding and 1 following) from (values (1), (2), (4)) as q(v) order by v
select id from t where (id, g) in (select id, 'p' from u) order by id
select (1, 2) = (1, 2)
select sum(case when f then 1 else 0 end) from t
select count(*) filter (where f) from t
select count(distinct a % 2) from t where id < 6
select a is not null and a > 0 from t order by id
select min(f::int) from t
select id from t order by g desc, id limit 3
select upper(g) as u, count(*) from t group by upper(g) order by u
select id from t where g like '%' order by id
select * from t where 1 = 0
select t.* from t where id = 1
select id as "Order" from t where id = 1
select max(id) from t having max(id) > 100
select count(*) from t where a <> 7
select sum(id) from t tablesample bernoulli (100)
select mode() within group (order by g) from t
select id from t fetch first 2 rows only
select id from t where id = 1 or id = 2 and g = 'p' order by id
select (select id from t)
select nosuch from t
select id from nosuch
select g, id from t group by g
