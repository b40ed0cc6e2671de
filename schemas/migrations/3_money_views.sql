-- Money: exchange rates, spend and revenue, each line once, in its own currency and in US dollars.
-- Amounts are converted exactly, in integers, and rounded once, half away from zero, to the
-- millionth of a dollar. A line without a rate has no dollar amount and is marked `no_rate`.

-- The rate to dollars on a day is one stated to the dollar, else one stated from the dollar, else one
-- across a third currency that has a stated rate with both on that day.
-- Dollars for one unit = numerator / denominator.
CREATE OR REPLACE VIEW v_rates
(
    currency String COMMENT 'Currency that is priced, ISO 4217.',
    date Date COMMENT 'Day that the rate was stated for; it applies until the next one.',
    usd_rate Float64 COMMENT 'US dollars for one unit of the currency.',
    numerator Int64 COMMENT 'Numerator of the exact rate: numerator / denominator.',
    denominator Int64 COMMENT 'Denominator of the exact rate: numerator / denominator.',
    across String COMMENT 'Currency by way of which the rate was computed; empty when the pair was stated.',
    rate_source String COMMENT 'Who published the rate.'
)
AS WITH
    stated AS
    (
        SELECT toDate(toString(date)) AS day, toString(base) AS base, toString(quote) AS quote,
            rate_e9, toString(rate_source) AS said_by
        FROM rates
        ORDER BY rate_id, revision DESC, event_time DESC, event_id DESC, rate_e9
        LIMIT 1 BY rate_id
    ),
    ways AS
    (
        SELECT base AS unit, day, 1 AS way, '' AS across, rate_e9 AS over, 1000000000 AS under,
            said_by
        FROM stated
        WHERE quote = 'USD'
        UNION ALL
        SELECT quote, day, 2, '', 1000000000, rate_e9, said_by
        FROM stated
        WHERE base = 'USD'
        UNION ALL
        SELECT one.quote, one.day, 3, one.base, dollar.rate_e9, one.rate_e9, one.said_by
        FROM stated AS one
        INNER JOIN stated AS dollar ON dollar.day = one.day AND dollar.base = one.base
        WHERE dollar.quote = 'USD' AND one.quote != 'USD'
        UNION ALL
        SELECT one.base, one.day, 4, one.quote, one.rate_e9, dollar.rate_e9, one.said_by
        FROM stated AS one
        INNER JOIN stated AS dollar ON dollar.day = one.day AND dollar.quote = one.quote
        WHERE dollar.base = 'USD' AND one.base != 'USD'
        UNION ALL
        SELECT 'USD', toDate(0), 0, '', 1000000000, 1000000000, ''
    )
SELECT unit AS currency, day AS date, over / under AS usd_rate, over AS numerator,
    under AS denominator, ways.across AS across, said_by AS rate_source
FROM ways
ORDER BY unit, day, way, ways.across
LIMIT 1 BY unit, day
COMMENT 'US dollars for one unit of a currency, from one day until the next one stated.';

CREATE OR REPLACE VIEW v_spend
(
    spend_id String COMMENT 'Id of the report line: a hash of its dimensions.',
    revision Int64 COMMENT 'Revision that counts: the highest.',
    day Date COMMENT 'Day of the spend in the time zone of the report.',
    timezone String COMMENT 'Time zone of the day, IANA name.',
    app_id String COMMENT 'App that was advertised.',
    media_source String COMMENT 'Network that was paid.',
    channel String COMMENT 'Channel within the media source.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.',
    adset_id String COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform String COMMENT 'ios, android or other.',
    impressions Int64 COMMENT 'Impressions, as counted by the network.',
    clicks Int64 COMMENT 'Clicks, as counted by the network.',
    installs Int64 COMMENT 'Installs, as counted by the network.',
    amount Decimal(38, 6) COMMENT 'Cost in the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    amount_usd Nullable(Decimal(38, 6)) COMMENT 'Cost in US dollars; null without a rate.',
    usd_rate Nullable(Float64) COMMENT 'US dollars for one unit of the currency.',
    rate_date Nullable(Date) COMMENT 'Day of that rate: the last one stated on or before the day.',
    unconverted String COMMENT 'no_rate when there is no amount in US dollars; else empty.'
)
AS WITH lines AS
(
    SELECT *, toDate(toString(date)) AS of_day, toString(spend.currency) AS unit
    FROM spend
    ORDER BY spend_id, revision DESC, event_time DESC, event_id DESC, amount_micros
    LIMIT 1 BY spend_id
)
SELECT spend_id, revision, of_day AS day, timezone, app_id, media_source, channel, campaign_id,
    campaign_name, adset_id, ad_id, site_id, country_code, platform, impressions, clicks, installs,
    toDecimal128(amount_micros, 6) / 1000000 AS amount, unit AS currency,
    if(r.denominator = 0, NULL, toDecimal128(toInt128(sign(amount_micros)) * intDiv(
        2 * toInt128(abs(amount_micros)) * r.numerator + r.denominator,
        2 * toInt128(greatest(r.denominator, 1))), 6) / 1000000) AS amount_usd,
    if(r.denominator = 0, NULL, r.usd_rate) AS usd_rate,
    if(r.denominator = 0, NULL, if(unit = 'USD', of_day, r.date)) AS rate_date,
    if(r.denominator = 0, 'no_rate', '') AS unconverted
FROM lines AS l
ASOF LEFT JOIN v_rates AS r ON r.currency = l.unit AND r.date <= l.of_day
COMMENT 'Every line of the cost reports once, in its latest revision.';

-- Money is credited to the latest re-engagement in force when the money moved; else to the
-- conversion of the install itself; else, where that has expired, to the latest earlier install on
-- the same device whose conversion is in force.
CREATE OR REPLACE VIEW v_bookings
(
    booking_id String COMMENT 'Id of the booking: the money_id; after a relink also which half of which move.',
    money_id String COMMENT 'Transaction, refund or impression that the money comes from.',
    sign Int64 COMMENT '1: booked to this install; -1: taken from it again.',
    install_id String COMMENT 'Install that the money belongs to.',
    conversion_id String COMMENT 'Conversion in force when the money moved; it gets the credit.',
    app_id String COMMENT 'App in which the money was made.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store.',
    kind String COMMENT 'purchase, subscription, refund or ad_revenue.',
    is_relink Bool COMMENT 'Whether this is one half of a signed pair that moves money between installs.',
    product_id String COMMENT 'Product that was bought.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, as the producer reported it.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    amount_micros Int64 COMMENT 'Signed amount, in millionths of the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    usd_micros Nullable(Int128) COMMENT 'Signed amount, in millionths of a US dollar; null without a rate.',
    usd_rate Nullable(Float64) COMMENT 'US dollars for one unit of the currency.',
    rate_date Nullable(Date) COMMENT 'Day of that rate: the last one stated on or before the day.'
)
AS WITH RECURSIVE
    -- Conversions that expire: re-engagements and temporary re-attributions.
    ending AS
    (
        SELECT install_id, conversion_id, conversion_type, prior_install_id,
            toUnixTimestamp64Milli(conversion_time) AS begin_ms,
            toUnixTimestamp64Milli(expires_at) AS end_ms
        FROM
        (
            SELECT install_id, conversion_id, conversion_type, prior_install_id, conversion_time,
                expires_at, status
            FROM attributions
            WHERE conversion_id IN
                (SELECT conversion_id FROM attributions WHERE expires_at > toDateTime64(0, 3, 'UTC'))
            ORDER BY conversion_id, version DESC, decided_at DESC, log_epoch DESC, log_partition,
                log_offset
            LIMIT 1 BY conversion_id
        )
        WHERE status != 'withdrawn' AND end_ms > 0
    ),
    falling AS
    (
        SELECT install_id, 1 AS depth, end_ms AS begin_ms, prior_install_id AS fallen_to
        FROM ending
        WHERE conversion_type != 'reengagement'
        UNION ALL
        SELECT f.install_id, f.depth + 1, greatest(f.begin_ms, e.end_ms), e.prior_install_id
        FROM falling AS f
        INNER JOIN ending AS e ON e.conversion_id = f.fallen_to
        WHERE e.conversion_type != 'reengagement'
    ),
    spans AS
    (
        SELECT install_id, arrayReverseSort(groupArray(
            (is_reengagement, begin_ms, depth, conversion_id, end_ms))) AS in_force
        FROM
        (
            SELECT install_id, 1 AS is_reengagement, begin_ms, 0 AS depth, conversion_id, end_ms
            FROM ending
            WHERE conversion_type = 'reengagement'
            UNION ALL
            SELECT install_id, 0, begin_ms, depth, fallen_to, 9223372036854775807
            FROM falling
        )
        GROUP BY install_id
    ),
    once AS
    (
        SELECT booking_id, money_id, sign, install_id, app_id, transaction_id, kind, is_relink,
            product_id, event_time, install_time, amount_micros, toString(revenue.currency) AS unit,
            toDate(event_time) AS day, toUnixTimestamp64Milli(event_time) AS at_ms
        FROM revenue
        ORDER BY booking_id, log_epoch, log_partition, log_offset
        LIMIT 1 BY booking_id
    )
SELECT booking_id, money_id, sign, b.install_id AS install_id,
    coalesce(nullIf(arrayFirst(s -> at_ms >= s.2 AND at_ms < s.5, in_force).4, ''), b.install_id)
        AS conversion_id,
    app_id, transaction_id, kind, is_relink, product_id, event_time, install_time, amount_micros,
    unit AS currency,
    if(r.denominator = 0, NULL, toInt128(sign(amount_micros)) * intDiv(
        2 * toInt128(abs(amount_micros)) * r.numerator + r.denominator,
        2 * toInt128(greatest(r.denominator, 1)))) AS usd_micros,
    if(r.denominator = 0, NULL, r.usd_rate) AS usd_rate,
    if(r.denominator = 0, NULL, if(unit = 'USD', day, r.date)) AS rate_date
FROM once AS b
LEFT JOIN spans AS s ON s.install_id = b.install_id
ASOF LEFT JOIN v_rates AS r ON r.currency = b.unit AND r.date <= b.day
COMMENT 'Every booking once, with the conversion that gets the credit, and in US dollars.';

CREATE OR REPLACE VIEW v_revenue
(
    booking_id String COMMENT 'Id of the booking: the money_id; after a relink also which half of which move.',
    money_id String COMMENT 'Transaction, refund or impression that the money comes from.',
    sign Int64 COMMENT '1: booked to this install; -1: taken from it again.',
    install_id String COMMENT 'Install that the money belongs to.',
    app_id String COMMENT 'App in which the money was made.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store.',
    kind String COMMENT 'purchase, subscription, refund or ad_revenue.',
    is_relink Bool COMMENT 'Whether this is one half of a signed pair that moves money between installs.',
    product_id String COMMENT 'Product that was bought.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, as the producer reported it.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    amount Decimal(38, 6) COMMENT 'Signed amount in the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    amount_usd Nullable(Decimal(38, 6)) COMMENT 'Signed amount in US dollars; null without a rate.',
    usd_rate Nullable(Float64) COMMENT 'US dollars for one unit of the currency.',
    rate_date Nullable(Date) COMMENT 'Day of that rate: the last one stated on or before the day.',
    unconverted String COMMENT 'no_rate when there is no amount in US dollars; else empty.',
    conversion_id String COMMENT 'Conversion in force when the money moved; it gets the credit.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    conversion_time DateTime64(3, 'UTC') COMMENT 'When that conversion happened.',
    media_source String COMMENT 'Network of that conversion; organic when none has the credit; undecided for money that came before its decision.',
    channel String COMMENT 'Channel within the media source.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.',
    adset_id String COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code String COMMENT 'Country of the conversion, ISO 3166-1 alpha-2.',
    platform String COMMENT 'Platform of the conversion: ios, android or other.'
)
AS SELECT b.booking_id AS booking_id, b.money_id AS money_id, b.sign AS sign,
    b.install_id AS install_id, b.app_id AS app_id, b.transaction_id AS transaction_id,
    b.kind AS kind, b.is_relink AS is_relink, b.product_id AS product_id,
    b.event_time AS event_time, b.install_time AS install_time,
    toDecimal128(b.amount_micros, 6) / 1000000 AS amount, b.currency AS currency,
    toDecimal128(b.usd_micros, 6) / 1000000 AS amount_usd, b.usd_rate AS usd_rate,
    b.rate_date AS rate_date, if(b.usd_micros IS NULL, 'no_rate', '') AS unconverted,
    b.conversion_id AS conversion_id, a.conversion_type AS conversion_type,
    if(a.conversion_id = '', b.install_time, a.conversion_time) AS conversion_time,
    multiIf(a.conversion_id != '', a.media_source, b.conversion_id = b.install_id, 'undecided',
        'organic') AS media_source,
    a.channel AS channel, a.campaign_id AS campaign_id, a.campaign_name AS campaign_name,
    a.adset_id AS adset_id, a.ad_id AS ad_id, a.site_id AS site_id,
    a.country_code AS country_code, a.platform AS platform
FROM v_bookings AS b
LEFT JOIN v_attributions AS a ON a.conversion_id = b.conversion_id
COMMENT 'Every booking once, with the source in force when the money moved.';

-- Revenue as measurement partners export it: money made while a re-engagement is in force has two
-- rows, one for the re-engagement (primary) and one for the install's own conversion (secondary).
-- Sum either the primary rows or the rows of the installs' own conversions, never both.
CREATE OR REPLACE VIEW v_revenue_attributions
(
    booking_id String COMMENT 'Id of the booking; at most two rows have the same one.',
    is_primary Bool COMMENT 'Whether this conversion was in force when the money moved; one row of each booking is primary.',
    install_id String COMMENT 'Install that the money belongs to.',
    app_id String COMMENT 'App in which the money was made.',
    kind String COMMENT 'purchase, subscription, refund or ad_revenue.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, as the producer reported it.',
    amount Decimal(38, 6) COMMENT 'Signed amount in the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    amount_usd Nullable(Decimal(38, 6)) COMMENT 'Signed amount in US dollars; null without a rate.',
    conversion_id String COMMENT 'Conversion that this row credits.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    media_source String COMMENT 'Network of that conversion; organic when none has the credit; undecided for money that came before its decision.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.'
)
AS SELECT booking_id, true AS is_primary, install_id, app_id, kind, event_time, amount, currency,
    amount_usd, conversion_id, conversion_type, media_source, campaign_id, campaign_name
FROM v_revenue
UNION ALL
SELECT r.booking_id, false, r.install_id, r.app_id, r.kind, r.event_time, r.amount, r.currency,
    r.amount_usd, a.conversion_id, a.conversion_type, a.media_source, a.campaign_id,
    a.campaign_name
FROM v_revenue AS r
INNER JOIN v_attributions AS a ON a.conversion_id = r.install_id
WHERE r.conversion_type = 'reengagement'
COMMENT 'Every booking by the conversion in force, and once more by the install it came through.';

-- Refunds that wait for their purchase come from `parked`; all other issues come from the bookings,
-- so that the order of arrival makes no difference.
CREATE OR REPLACE VIEW v_money_issues
(
    money_id String COMMENT 'Transaction, refund or impression that the issue is about; for cost the spend_id.',
    reason String COMMENT 'refund_without_purchase, refund_exceeds_purchase, refund_currency_differs or no_rate.',
    detail String COMMENT 'Depends on the reason: parked or expired; the sum of the refunds; the currency of the purchase; the day without a rate.',
    kind String COMMENT 'purchase, subscription, refund, ad_revenue or cost.',
    app_id String COMMENT 'App in which the money was made, or that was advertised.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store; empty for cost and for parked money.',
    amount Decimal(38, 6) COMMENT 'Signed amount in the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved; for cost the day of the spend.'
)
AS WITH
    refunded AS
    (
        SELECT money_id AS id, any(app_id) AS app, any(transaction_id) AS sale,
            any(revenue.kind) AS what, any(revenue.currency) AS unit, min(event_time) AS at,
            sum(amount_micros) AS micros, what IN ('purchase', 'subscription') AS is_sale
        FROM
        (
            SELECT *
            FROM revenue
            WHERE revenue.kind != 'ad_revenue' AND (app_id, transaction_id) IN
                (SELECT app_id, transaction_id FROM revenue WHERE revenue.kind = 'refund')
            ORDER BY booking_id, log_epoch, log_partition, log_offset
            LIMIT 1 BY booking_id
        ) AS revenue
        GROUP BY id
    ),
    sales AS
    (
        SELECT app, sale, anyIf(id, is_sale) AS sale_id, anyIf(what, is_sale) AS sold,
            anyIf(unit, is_sale) AS sold_in, minIf(at, is_sale) AS sold_at,
            sumIf(micros, is_sale) AS paid,
            groupArrayIf((id, unit, micros, at), NOT is_sale) AS refunds,
            arraySum(r -> if(r.2 = sold_in, r.3, 0), refunds) AS returned
        FROM refunded
        GROUP BY app, sale
        HAVING sale_id != '' AND notEmpty(refunds)
    ),
    waiting AS
    (
        SELECT subject_id AS id, any(parked.kind) AS what, any(app_id) AS app,
            any(amount_micros) AS micros, any(parked.currency) AS unit, min(event_time) AS at,
            countIf(state = 'expired') > 0 AS is_expired,
            uniqExactIf(parked_id, state = 'parked') > uniqExactIf(parked_id, state = 'released')
                AS is_open
        FROM parked
        WHERE waits_for = 'purchase'
        GROUP BY id
        HAVING is_expired OR is_open
    ),
    issues AS
    (
        SELECT id, 'refund_without_purchase' AS wrong, if(is_expired, 'expired', 'parked') AS told,
            toString(what) AS what, toString(app) AS app, '' AS sale, micros,
            toString(unit) AS unit, at
        FROM waiting
        UNION ALL
        SELECT sale_id, 'refund_exceeds_purchase',
            concat('refunds of ', toString(toDecimal128(-returned, 6) / 1000000)), sold, app, sale,
            paid, sold_in, sold_at
        FROM sales
        WHERE -returned > paid
        UNION ALL
        SELECT refund.1, 'refund_currency_differs', concat('purchase in ', sold_in), 'refund', app,
            sale, refund.3, refund.2, refund.4
        FROM sales
        ARRAY JOIN refunds AS refund
        WHERE refund.2 != sold_in
        UNION ALL
        SELECT b.money_id AS id, 'no_rate', toString(toDate(min(b.event_time))), any(b.kind),
            any(b.app_id), any(b.transaction_id), sum(b.amount_micros), any(b.currency),
            min(b.event_time)
        FROM v_bookings AS b
        WHERE b.usd_micros IS NULL
        GROUP BY id
        UNION ALL
        SELECT spend_id, 'no_rate', toString(day), 'cost', app_id, '',
            toInt64(v_spend.amount * 1000000), v_spend.currency, toDateTime64(day, 3, 'UTC')
        FROM v_spend
        WHERE unconverted != ''
    )
SELECT id AS money_id, wrong AS reason, told AS detail, what AS kind, app AS app_id,
    sale AS transaction_id, toDecimal128(micros, 6) / 1000000 AS amount, unit AS currency,
    at AS event_time
FROM issues
COMMENT 'Money with which something is wrong, and what.';
