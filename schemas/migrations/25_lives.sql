-- What names an install alone belongs to the life in force when it happened: to the latest first open
-- until then, and what happened before all of them to the earliest.

ALTER TABLE active_days
    ADD COLUMN IF NOT EXISTS conversion_id String COMMENT 'Conversion in whose life it happened: the install_id, or a later first open of it; empty in rows of earlier versions.' CODEC(ZSTD(1)) AFTER source_offset;

ALTER TABLE milestones
    ADD COLUMN IF NOT EXISTS conversion_id String COMMENT 'Conversion in whose life it happened: the install_id, or a later first open of it; empty in rows of earlier versions.' CODEC(ZSTD(1)) AFTER source_offset;

CREATE OR REPLACE VIEW v_active_days
(
    app_id String COMMENT 'App that was used.',
    install_id String COMMENT 'Install that was active.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    day_of_life Int64 COMMENT 'Days of 24 hours since the install, from 0. For retention count distinct installs by it.',
    date Date COMMENT 'Date of the activity, UTC. For daily active users count distinct installs by it.',
    conversion_id String COMMENT 'Conversion in whose life it was: the install, or a later first open of it, from which the days count then.'
)
AS SELECT DISTINCT a.app_id AS app_id, a.install_id AS install_id, a.install_time AS install_time,
    a.day_of_life AS day_of_life, toDate(a.date) AS date,
    if(a.conversion_id = '', a.install_id, a.conversion_id) AS conversion_id
FROM active_days AS a
WHERE a.environment = 'production'
COMMENT 'Days of life and dates on which installs were active, each once in each life, without sandbox traffic.';

CREATE OR REPLACE VIEW v_milestones
(
    app_id String COMMENT 'App that was used.',
    install_id String COMMENT 'Install that sent the event.',
    name String COMMENT 'Name of the event.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    first_time DateTime64(3, 'UTC') COMMENT 'When it first happened.',
    conversion_id String COMMENT 'Conversion in whose life it happened: the install, or a later first open of it.'
)
AS SELECT m.app_id AS app_id, m.install_id AS install_id, m.name AS name,
    any(m.install_time) AS install_time, min(m.event_time) AS first_time,
    if(m.conversion_id = '', m.install_id, m.conversion_id) AS conversion_id
FROM milestones AS m
WHERE m.environment = 'production'
GROUP BY app_id, install_id, conversion_id, name
COMMENT 'When each install first sent an event of each name in each of its lives, without sandbox traffic.';

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
    coalesce(nullIf(arrayFirst(l -> at_ms >= l.1, lives).2, ''), nullIf(lives[-1].2, ''), b.install_id)
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
