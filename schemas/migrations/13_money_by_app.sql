-- Money by app and environment, credited to the life of the install in which it moved.
-- Tests of producers are in the tables but in no view.

ALTER TABLE rates
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset;

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
        WHERE environment = 'production'
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
    WHERE environment = 'production'
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

-- Money is credited to the latest re-engagement in force when the money moved; else to the conversion
-- of the install itself, by its latest first open until then; else, where that has expired, to the
-- latest earlier install on the same device whose conversion is in force.
CREATE OR REPLACE VIEW v_bookings
(
    booking_id String COMMENT 'Id of the booking: the money_id and the step; then how often the step was booked anew, which half of which relink it is, or that it takes the booking back.',
    money_id String COMMENT 'Transaction, refund or impression that the money comes from.',
    sign Int64 COMMENT '1: booked to this install; -1: taken from it again.',
    install_id String COMMENT 'Install that the money belongs to.',
    conversion_id String COMMENT 'Conversion in force when the money moved; it gets the credit.',
    app_id String COMMENT 'App in which the money was made.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store.',
    kind String COMMENT 'purchase, subscription, refund or ad_revenue.',
    is_relink Bool COMMENT 'Whether this is one half of a signed pair that moves money between installs.',
    product_id String COMMENT 'Product that was bought.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, corrected where the clock was wrong.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, corrected where the clock was wrong.',
    amount_micros Int64 COMMENT 'Signed amount, in millionths of the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    usd_micros Nullable(Int128) COMMENT 'Signed amount, in millionths of a US dollar; null without a rate.',
    usd_rate Nullable(Float64) COMMENT 'US dollars for one unit of the currency.',
    rate_date Nullable(Date) COMMENT 'Day of that rate: the last one stated on or before the day.',
    install_conversion_id String COMMENT 'Conversion of the install itself at that time: its first open, or a later one.',
    event_id String COMMENT 'Event that reported the money.',
    step String COMMENT 'What happened to the transaction: purchase, start, renewal, refund, chargeback, reversed, restored or another kind of the contract.',
    receipt_status String COMMENT 'Receipt of the store: valid, invalid, pending or unchecked; empty for other money.',
    original_transaction_id String COMMENT 'First transaction of a subscription, or the purchase that was restored; empty: not stated.',
    net_micros Nullable(Int64) COMMENT 'Signed amount after the stores fee and tax, in millionths of the currency; null: not stated.',
    fee_micros Int64 COMMENT 'Signed fee of the store, in millionths of the currency; 0: not stated.',
    tax_micros Int64 COMMENT 'Signed tax, in millionths of the currency; 0: not stated.',
    net_usd_micros Nullable(Int128) COMMENT 'Net amount in millionths of a US dollar; null: not stated, or no rate.',
    quantity Int64 COMMENT 'How many were bought at once.',
    is_trial Bool COMMENT 'Whether the step belongs to a trial period.',
    offer_id String COMMENT 'Offer of the store under which it was bought.',
    period_start_time DateTime64(3, 'UTC') COMMENT 'Begin of the period that was paid for; 0 (1970-01-01): not stated.',
    period_end_time DateTime64(3, 'UTC') COMMENT 'End of that period; 0 (1970-01-01): not stated.',
    mediation_network String COMMENT 'Platform that chose the network of the ad.',
    monetization_network String COMMENT 'Network that paid for the ad.',
    ad_unit String COMMENT 'Ad unit that was shown.',
    ad_format String COMMENT 'Format of the ad, as the producer named it.',
    placement String COMMENT 'Where in the app the ad was shown.',
    precision String COMMENT 'How exact ad revenue is: exact, estimated, publisher_defined or undisclosed; empty for other money.',
    reported_time DateTime64(3, 'UTC') COMMENT 'When the money moved, as the producer reported it.',
    time_correction String COMMENT 'Why event_time differs from it; empty when it does not.'
)
AS WITH RECURSIVE
    -- Conversions that expire (re-engagements and temporary re-attributions), and all lives of an
    -- install that has several. The one that is named after the install was logged first, but it
    -- need not be the earliest.
    changing AS
    (
        SELECT app_id AS app, install_id, conversion_id, prior_install_id,
            conversion_type != 'reengagement' AS is_life,
            toUnixTimestamp64Milli(conversion_time) AS begin_ms,
            toUnixTimestamp64Milli(expires_at) AS end_ms
        FROM
        (
            SELECT app_id, install_id, conversion_id, conversion_type, prior_install_id,
                conversion_time, expires_at, status
            FROM attributions
            WHERE environment = 'production' AND (app_id, conversion_id) IN
            (
                SELECT app_id, conversion_id
                FROM attributions
                WHERE environment = 'production' AND (expires_at > toDateTime64(0, 3, 'UTC')
                    OR (conversion_id != install_id AND conversion_type != 'reengagement'))
                UNION DISTINCT
                SELECT app_id, install_id
                FROM attributions
                WHERE environment = 'production' AND conversion_id != install_id
                    AND conversion_type != 'reengagement'
            )
            ORDER BY app_id, conversion_id, version DESC, decided_at DESC, log_epoch DESC,
                log_partition, log_offset
            LIMIT 1 BY app_id, conversion_id
        )
        WHERE status != 'withdrawn' AND (end_ms > 0 OR is_life)
    ),
    falling AS
    (
        SELECT app, install_id, begin_ms AS of_ms, 1 AS depth, end_ms AS begin_ms,
            prior_install_id AS fallen_to
        FROM changing
        WHERE is_life AND end_ms > 0
        UNION ALL
        SELECT f.app, f.install_id, f.of_ms, f.depth + 1, greatest(f.begin_ms, e.end_ms),
            e.prior_install_id
        FROM falling AS f
        INNER JOIN changing AS e ON e.app = f.app AND e.conversion_id = f.fallen_to
        WHERE e.is_life AND e.end_ms > 0
    ),
    -- Every span ends where a later life begins, at the latest: `of_ms` says whose span it is.
    spans AS
    (
        SELECT app, install_id,
            arrayReverseSort(groupArrayIf((begin_ms, conversion_id), kind = 1)) AS lives,
            arrayReverseSort(arrayMap(s -> (s.1, s.2, s.3, s.4, arrayMin(arrayPushBack(
                arrayMap(l -> l.1, arrayFilter(l -> l.1 > s.6, lives)), s.5))), groupArray(
                (kind = 2, begin_ms, depth, conversion_id, end_ms, of_ms)))) AS in_force
        FROM
        (
            SELECT app, install_id, 2 AS kind, begin_ms, 0 AS depth, conversion_id, end_ms,
                begin_ms AS of_ms
            FROM changing
            WHERE NOT is_life
            UNION ALL
            SELECT app, install_id, 1, begin_ms, 0, conversion_id, 9223372036854775807, begin_ms
            FROM changing
            WHERE is_life
            UNION ALL
            SELECT app, install_id, 0, begin_ms, depth, fallen_to, 9223372036854775807, of_ms
            FROM falling
        )
        GROUP BY app, install_id
    ),
    once AS
    (
        SELECT *, toString(revenue.currency) AS unit, toDate(event_time) AS day,
            toUnixTimestamp64Milli(event_time) AS at_ms
        FROM revenue
        WHERE environment = 'production'
        ORDER BY booking_id, log_epoch, log_partition, log_offset
        LIMIT 1 BY booking_id
    )
SELECT booking_id, money_id, sign, b.install_id AS install_id,
    coalesce(nullIf(arrayFirst(s -> at_ms >= s.2 AND at_ms < s.5, in_force).4, ''),
        install_conversion_id) AS conversion_id,
    b.app_id AS app_id, transaction_id, kind, is_relink, product_id, event_time, install_time,
    amount_micros, unit AS currency,
    if(r.denominator = 0, NULL, toInt128(sign(amount_micros)) * intDiv(
        2 * toInt128(abs(amount_micros)) * r.numerator + r.denominator,
        2 * toInt128(greatest(r.denominator, 1)))) AS usd_micros,
    if(r.denominator = 0, NULL, r.usd_rate) AS usd_rate,
    if(r.denominator = 0, NULL, if(unit = 'USD', day, r.date)) AS rate_date,
    coalesce(nullIf(arrayFirst(l -> at_ms >= l.1, lives).2, ''), b.install_id)
        AS install_conversion_id,
    event_id, step, receipt_status, original_transaction_id,
    if(is_net_known, b.net_micros, NULL) AS net_micros, fee_micros, tax_micros,
    if(r.denominator = 0 OR NOT is_net_known, NULL, toInt128(sign(b.net_micros)) * intDiv(
        2 * toInt128(abs(b.net_micros)) * r.numerator + r.denominator,
        2 * toInt128(greatest(r.denominator, 1)))) AS net_usd_micros,
    quantity, is_trial, offer_id, period_start_time, period_end_time, mediation_network,
    monetization_network, ad_unit, ad_format, placement, precision,
    if(toUnixTimestamp64Milli(b.reported_time) = 0, event_time, b.reported_time) AS reported_time,
    time_correction
FROM once AS b
LEFT JOIN spans AS s ON s.app = b.app_id AND s.install_id = b.install_id
ASOF LEFT JOIN v_rates AS r ON r.currency = b.unit AND r.date <= b.day
COMMENT 'Every booking once, with the conversion that gets the credit, and in US dollars.';

CREATE OR REPLACE VIEW v_revenue
(
    booking_id String COMMENT 'Id of the booking: the money_id and the step; then how often the step was booked anew, which half of which relink it is, or that it takes the booking back.',
    money_id String COMMENT 'Transaction, refund or impression that the money comes from.',
    sign Int64 COMMENT '1: booked to this install; -1: taken from it again.',
    install_id String COMMENT 'Install that the money belongs to.',
    app_id String COMMENT 'App in which the money was made.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store.',
    kind String COMMENT 'purchase, subscription, refund or ad_revenue.',
    is_relink Bool COMMENT 'Whether this is one half of a signed pair that moves money between installs.',
    product_id String COMMENT 'Product that was bought.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, corrected where the clock was wrong.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, corrected where the clock was wrong.',
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
    platform String COMMENT 'Platform of the conversion: ios, android or other.',
    install_conversion_id String COMMENT 'Conversion of the install itself at that time: its first open, or a later one.',
    event_id String COMMENT 'Event that reported the money.',
    step String COMMENT 'What happened to the transaction: purchase, start, renewal, refund, chargeback, reversed, restored or another kind of the contract.',
    receipt_status String COMMENT 'Receipt of the store: valid, invalid, pending or unchecked; empty for other money.',
    original_transaction_id String COMMENT 'First transaction of a subscription, or the purchase that was restored; empty: not stated.',
    amount_net Nullable(Decimal(38, 6)) COMMENT 'Signed amount after the store''s fee and tax, in the currency; null: not stated.',
    amount_net_usd Nullable(Decimal(38, 6)) COMMENT 'The same in US dollars; null: not stated, or no rate.',
    store_fee Decimal(38, 6) COMMENT 'Signed fee of the store in the currency; 0: not stated.',
    tax Decimal(38, 6) COMMENT 'Signed tax in the currency; 0: not stated.',
    quantity Int64 COMMENT 'How many were bought at once.',
    is_trial Bool COMMENT 'Whether the step belongs to a trial period.',
    offer_id String COMMENT 'Offer of the store under which it was bought.',
    period_start_time DateTime64(3, 'UTC') COMMENT 'Begin of the period that was paid for; 0 (1970-01-01): not stated.',
    period_end_time DateTime64(3, 'UTC') COMMENT 'End of that period; 0 (1970-01-01): not stated.',
    mediation_network String COMMENT 'Platform that chose the network of the ad.',
    monetization_network String COMMENT 'Network that paid for the ad.',
    ad_unit String COMMENT 'Ad unit that was shown.',
    ad_format String COMMENT 'Format of the ad, as the producer named it.',
    placement String COMMENT 'Where in the app the ad was shown.',
    precision String COMMENT 'How exact ad revenue is: exact, estimated, publisher_defined or undisclosed; empty for other money.',
    reported_time DateTime64(3, 'UTC') COMMENT 'When the money moved, as the producer reported it.',
    time_correction String COMMENT 'Why event_time differs from it; empty when it does not.',
    keyword String COMMENT 'Search term that the ad of that conversion was shown for.',
    adset_name String COMMENT 'Name of the ad set.',
    ad_name String COMMENT 'Name of the ad.'
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
    multiIf(a.conversion_id != '', a.media_source, b.conversion_id = b.install_conversion_id, 'undecided',
        'organic') AS media_source,
    a.channel AS channel, a.campaign_id AS campaign_id, a.campaign_name AS campaign_name,
    a.adset_id AS adset_id, a.ad_id AS ad_id, a.site_id AS site_id,
    a.country_code AS country_code, a.platform AS platform,
    b.install_conversion_id AS install_conversion_id, b.event_id AS event_id, b.step AS step,
    b.receipt_status AS receipt_status, b.original_transaction_id AS original_transaction_id,
    toDecimal128(b.net_micros, 6) / 1000000 AS amount_net,
    toDecimal128(b.net_usd_micros, 6) / 1000000 AS amount_net_usd,
    toDecimal128(b.fee_micros, 6) / 1000000 AS store_fee,
    toDecimal128(b.tax_micros, 6) / 1000000 AS tax, b.quantity AS quantity,
    b.is_trial AS is_trial, b.offer_id AS offer_id, b.period_start_time AS period_start_time,
    b.period_end_time AS period_end_time, b.mediation_network AS mediation_network,
    b.monetization_network AS monetization_network, b.ad_unit AS ad_unit,
    b.ad_format AS ad_format, b.placement AS placement, b.precision AS precision,
    b.reported_time AS reported_time, b.time_correction AS time_correction,
    a.keyword AS keyword, a.adset_name AS adset_name, a.ad_name AS ad_name
FROM v_bookings AS b
LEFT JOIN v_attributions AS a ON a.app_id = b.app_id AND a.conversion_id = b.conversion_id
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
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, corrected where the clock was wrong.',
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
INNER JOIN v_attributions AS a ON a.app_id = r.app_id AND a.conversion_id = r.install_conversion_id
WHERE r.conversion_type = 'reengagement'
COMMENT 'Every booking by the conversion in force, and once more by the install it came through.';
