-- What transactions of one purchase, of one subscription and of one id say together.

-- Refunds that wait for their purchase come from `parked`, each statement for itself; all other
-- issues come from the bookings, so that the order of arrival makes no difference. Only what is
-- booked to an install is looked at.
-- A refund of a restored purchase takes from another transaction, which its row names as original.
CREATE OR REPLACE VIEW v_money_issues
(
    money_id String COMMENT 'Transaction, refund or impression that the issue is about; for cost the spend_id.',
    reason String COMMENT 'refund_without_purchase, refund_exceeds_purchase, refund_currency_differs, conflicting_amount, periods_share_id, trial_with_price, receipt_invalid, restored, restore_without_original or no_rate.',
    detail String COMMENT 'Depends on the reason: parked or expired; the sum of the refunds; the currency of the purchase; the amounts that were stated; the steps and days that share an id; whether a payment counts beside the trial; whether another receipt counts; the original transaction; the day without a rate.',
    kind String COMMENT 'purchase, subscription, refund, ad_revenue or cost.',
    app_id String COMMENT 'App in which the money was made, or that was advertised.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store; of a refund the one that it takes from; empty for cost and for parked money.',
    amount Decimal(38, 6) COMMENT 'Signed amount in the currency: what counts, and what was stated where nothing does.',
    currency String COMMENT 'Currency, ISO 4217.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved; for cost the day of the spend.'
)
AS WITH
    -- One row per statement that stands: what was taken back has as many signs of either kind.
    steps AS
    (
        SELECT money_id AS id, any(app_id) AS app, any(transaction_id) AS own_sale,
            max(toString(revenue.kind)) AS what, toString(revenue.currency) AS unit,
            toString(revenue.step) AS said, toString(receipt_status) AS receipt,
            event_time AS at, sum(toInt128(amount_micros)) AS micros,
            -- Rows from before statements were kept count what they state.
            if(stated_micros = 0, sum(toInt128(amount_micros)), toInt128(stated_micros)) AS stated,
            max(revenue.original_transaction_id) AS original,
            if(what = 'refund' AND original != '', original, own_sale) AS sale,
            toUnixTimestamp64Milli(period_start_time) AS begin_ms,
            what = 'subscription' AND stated != 0 AND receipt != 'invalid'
                AND said IN ('start', 'renewal', 'recovery', 'product_change') AS is_period
        FROM
        (
            SELECT *
            FROM revenue
            WHERE environment = 'production'
            ORDER BY booking_id, log_epoch, log_partition, log_offset
            LIMIT 1 BY booking_id
        ) AS revenue
        GROUP BY id, said, receipt, unit, stated_micros, at, period_start_time, revenue.install_id
        HAVING sum(sign) > 0
    ),
    moneys AS
    (
        SELECT id, any(steps.app) AS of_app, any(steps.sale) AS of_sale, max(steps.what) AS kind_of,
            min(steps.at) AS first_at, sum(steps.micros) AS total,
            argMax(steps.unit, (steps.micros != 0, steps.stated != 0, steps.unit)) AS main_unit,
            -- What a refund claims; of one that was reversed only what it still takes.
            if(countIf(said = 'reversed') > 0, total, argMax(steps.stated,
                (abs(steps.micros), abs(steps.stated), steps.stated))) AS claimed,
            kind_of IN ('purchase', 'subscription') AS is_sale,
            total = 0 AND countIf(receipt IN ('invalid', 'pending') AND said NOT IN
                ('grace', 'billing_retry', 'cancel', 'expire')) > 0 AS is_unpaid,
            arraySort(groupUniqArrayIf((steps.stated, steps.unit), steps.stated != 0
                AND receipt != 'invalid'
                AND said NOT IN ('trial_start', 'grace', 'billing_retry', 'cancel', 'expire', 'reversed')))
                AS amounts,
            arraySort(groupUniqArrayIf((toDate(at), said), is_period)) AS charges,
            -- The shortest period is a day; where none is stated, copies of one statement may be
            -- days apart.
            maxIf(begin_ms, is_period AND begin_ms > 0) - minIf(begin_ms, is_period AND begin_ms > 0)
                >= 20 * 3600000 OR maxIf(if(begin_ms > 0, begin_ms, toUnixTimestamp64Milli(at)), is_period)
                - minIf(if(begin_ms > 0, begin_ms, toUnixTimestamp64Milli(at)), is_period)
                >= 6 * 86400000 AS shares_id,
            maxIf(steps.stated, said = 'trial_start' AND receipt != 'invalid') AS trial_price,
            argMaxIf(steps.unit, steps.stated, said = 'trial_start' AND receipt != 'invalid') AS trial_unit,
            countIf(said = 'trial_start') > 0 AND countIf(said = 'purchase' AND steps.micros > 0) > 0
                AS is_trial_bought
        FROM steps
        GROUP BY id
    ),
    sales AS
    (
        SELECT of_app, of_sale, anyIf(id, is_sale) AS sale_id, anyIf(kind_of, is_sale) AS sold,
            anyIf(main_unit, is_sale) AS sold_in, minIf(first_at, is_sale) AS sold_at,
            sumIf(total, is_sale) AS paid, countIf(is_sale AND is_unpaid) > 0 AS never_paid,
            groupArrayIf((id, main_unit, claimed, first_at), NOT is_sale) AS refunds,
            arraySum(r -> if(r.2 = sold_in, r.3, 0), refunds) AS returned
        FROM moneys
        WHERE kind_of != 'ad_revenue'
            AND (of_app, of_sale) IN (SELECT app, sale FROM steps WHERE what = 'refund')
        GROUP BY of_app, of_sale
        HAVING sale_id != '' AND notEmpty(refunds)
    ),
    -- Several refunds may wait under one id: each row is about one of them.
    waiting AS
    (
        SELECT any(subject_id) AS id, any(parked.kind) AS what, any(app_id) AS app,
            any(toInt128(amount_micros)) AS micros, any(parked.currency) AS unit, min(event_time) AS at,
            countIf(state = 'expired') > 0 AS is_expired,
            uniqExactIf(parked_id, state = 'parked') > uniqExactIf(parked_id, state = 'released')
                AS is_open
        FROM parked
        WHERE waits_for = 'purchase' AND environment = 'production'
        GROUP BY app_id, replaceRegexpOne(parked_id, ':(parked|released|expired)$', '')
        HAVING is_expired OR is_open
    ),
    unrated AS
    (
        SELECT b.id AS id, any(b.what) AS kind_of, any(b.app) AS of_app, any(b.sale) AS of_sale,
            sum(b.micros) AS total, b.unit AS main_unit, min(b.at) AS first_at
        FROM (SELECT *, toDate(at) AS on_day FROM steps WHERE micros != 0) AS b
        ASOF LEFT JOIN v_rates AS r ON r.currency = b.unit AND r.date <= b.on_day
        WHERE r.denominator = 0
        GROUP BY id, b.unit
    ),
    issues AS
    (
        SELECT id, 'refund_without_purchase' AS wrong, if(is_expired, 'expired', 'parked') AS told,
            toString(what) AS what, toString(app) AS app, '' AS sale, micros,
            toString(unit) AS unit, at
        FROM waiting
        UNION ALL
        SELECT sale_id, 'refund_exceeds_purchase',
            concat('refunds of ', toString(toDecimal128(-returned, 6) / 1000000)), sold, of_app,
            of_sale, paid, sold_in, sold_at
        FROM sales
        WHERE -returned > paid AND NOT never_paid
        UNION ALL
        SELECT refund.1, 'refund_currency_differs', concat('purchase in ', sold_in), 'refund',
            of_app, of_sale, refund.3, refund.2, refund.4
        FROM sales
        ARRAY JOIN refunds AS refund
        WHERE refund.2 != sold_in
        UNION ALL
        SELECT id, 'conflicting_amount', arrayStringConcat(arrayMap(one -> concat(
            toString(toDecimal128(one.1, 6) / 1000000), ' ', one.2), amounts), ', '), kind_of,
            of_app, of_sale, total, main_unit, first_at
        FROM moneys
        WHERE length(amounts) > 1
        UNION ALL
        SELECT id, 'periods_share_id', arrayStringConcat(arrayMap(one -> concat(
            one.2, ' ', toString(one.1)), charges), ', '), kind_of, of_app, of_sale, total,
            main_unit, first_at
        FROM moneys
        WHERE shares_id
        UNION ALL
        SELECT id, 'trial_with_price', if(total = 0, 'nothing counts', 'a payment counts'), kind_of,
            of_app, of_sale, if(total = 0, trial_price, total), if(total = 0, trial_unit, main_unit),
            first_at
        FROM moneys
        WHERE trial_price != 0 OR is_trial_bought
        UNION ALL
        SELECT s.id, 'receipt_invalid',
            if(m.total = 0, 'nothing counts', 'another receipt is valid'), s.what, s.app, s.sale,
            max(s.stated), s.unit, min(s.at)
        FROM steps AS s
        INNER JOIN moneys AS m ON m.id = s.id
        WHERE s.receipt = 'invalid'
            AND s.said NOT IN ('grace', 'billing_retry', 'cancel', 'expire')
        GROUP BY s.id, m.total, s.what, s.app, s.sale, s.unit
        UNION ALL
        SELECT id, 'restored', concat('restores ', max(original)), what, app, sale, max(stated), unit,
            min(at)
        FROM steps
        WHERE said = 'restored'
        GROUP BY id, what, app, sale, unit
        UNION ALL
        SELECT id, 'restore_without_original', concat('names ', max(original), ', which is not known as paid'),
            what, app, sale, max(micros), unit, min(at)
        FROM steps
        WHERE said = 'purchase' AND micros != 0 AND original NOT IN ('', sale)
        GROUP BY id, what, app, sale, unit
        UNION ALL
        SELECT id, 'no_rate', toString(toDate(first_at)), kind_of, of_app, of_sale, total, main_unit,
            first_at
        FROM unrated
        UNION ALL
        SELECT spend_id, 'no_rate', toString(day), 'cost', app_id, '',
            toInt128(v_spend.amount * 1000000), v_spend.currency, toDateTime64(day, 3, 'UTC')
        FROM v_spend
        WHERE unconverted != ''
    )
SELECT id AS money_id, wrong AS reason, told AS detail, what AS kind, app AS app_id,
    sale AS transaction_id, toDecimal128(micros, 6) / 1000000 AS amount, unit AS currency,
    at AS event_time
FROM issues
COMMENT 'Money with which something is wrong, and what.';

-- A subscription is known by its first transaction, which the later ones name as their original.
-- Google Play numbers them instead: GPA.1234..0 is the first renewal of GPA.1234. A purchase that a
-- producer states beside the steps, with the same id, may be what was paid.
-- Transactions whose receipt is invalid are not counted, nor those that are pending as paid or as
-- trials. The columns may be summed.
CREATE OR REPLACE VIEW v_subscriptions_daily
(
    day Date COMMENT 'Day on which it happened, UTC; refunds count on their own day.',
    app_id String COMMENT 'App.',
    product_id String COMMENT 'Product; for refunds that of the purchase.',
    currency String COMMENT 'Currency, ISO 4217.',
    trials UInt64 COMMENT 'Trials that began.',
    conversions UInt64 COMMENT 'Trials that were followed by a first payment, on the day of that payment.',
    starts UInt64 COMMENT 'Subscriptions whose start was paid for, without a trial; on the day of the first payment.',
    renewals UInt64 COMMENT 'Other periods that were paid for, recovered ones and new starts after an end included.',
    cancellations UInt64 COMMENT 'Periods in which the renewal was switched off.',
    billing_failures UInt64 COMMENT 'Periods whose payment failed at first: in grace or billing retry.',
    churned UInt64 COMMENT 'Subscriptions that expired: once, and once more after each later payment.',
    revenue Decimal(38, 6) COMMENT 'What was paid, net of refunds, in the currency.',
    refunds Decimal(38, 6) COMMENT 'Refunds alone, negative; reversals are positive.',
    net_revenue Decimal(38, 6) COMMENT 'Revenue after the store''s fee and tax, where the producer states them; else as revenue.'
)
AS WITH
    steps AS
    (
        SELECT app_id AS app, toString(revenue.kind) AS what,
            -- A refund of a restored purchase takes from the transaction that it names as original.
            if(what = 'refund' AND revenue.original_transaction_id != '',
                revenue.original_transaction_id, transaction_id) AS sale,
            toString(revenue.step) AS said, toString(revenue.currency) AS unit,
            toDate(event_time) AS on_day, min(event_time) AS at,
            max(toString(revenue.product_id)) AS product,
            max(if(revenue.original_transaction_id = transaction_id, '',
                revenue.original_transaction_id)) AS original,
            sum(toInt128(amount_micros)) AS micros,
            sum(toInt128(if(is_net_known, net_micros, amount_micros))) AS net,
            said = 'trial_start' OR (said = 'start' AND max(revenue.is_trial)) AS is_trial_step,
            toString(receipt_status) AS receipt,
            said NOT IN ('grace', 'billing_retry', 'cancel', 'expire') AS may_pay
        FROM
        (
            SELECT *
            FROM revenue
            WHERE environment = 'production' AND (kind IN ('subscription', 'refund')
                OR (kind = 'purchase' AND (app_id, transaction_id) IN
                    (SELECT app_id, transaction_id FROM revenue
                    WHERE environment = 'production' AND kind = 'subscription')))
            ORDER BY booking_id, log_epoch, log_partition, log_offset
            LIMIT 1 BY booking_id
        ) AS revenue
        GROUP BY app, sale, what, said, unit, on_day, receipt
        HAVING sum(sign) > 0
    ),
    -- Each transaction once, with what the steps of it say.
    periods AS
    (
        SELECT app, sale, max(product) AS sold,
            if(max(original) = '', sale, max(original)) AS first_sale,
            if(match(first_sale, '^GPA[.][0-9-]+[.][.][0-9]+$'),
                splitByString('..', first_sale)[1], first_sale) AS life,
            argMax(unit, (micros != 0, -toUnixTimestamp64Milli(at), unit)) AS sold_in,
            argMaxIf(receipt, (at, receipt = 'invalid'), may_pay AND receipt IN ('valid', 'invalid'))
                AS verdict,
            verdict = '' AND countIf(may_pay AND receipt = 'pending') > 0 AS is_pending,
            countIf(said = 'start') > 0 AS is_start,
            minIf(at, is_trial_step AND receipt NOT IN ('invalid', 'pending')) AS tried_at,
            if(is_pending, toDateTime64(0, 3, 'UTC'), tried_at) AS trial_at,
            minIf(at, micros > 0 AND NOT is_trial_step) AS paid_at,
            minIf(at, said = 'cancel') AS cancelled_at,
            minIf(at, said IN ('grace', 'billing_retry')) AS failed_at,
            minIf(at, said = 'expire') AS expired_at
        FROM steps
        WHERE what != 'refund'
        GROUP BY app, sale
    ),
    genuine AS (SELECT * FROM periods WHERE verdict != 'invalid'),
    lives AS
    (
        SELECT app, life, countIf(toUnixTimestamp64Milli(trial_at) > 0) > 0 AS had_trial,
            max(is_start) AS had_start,
            arraySort(groupArrayIf((paid_at, sale), toUnixTimestamp64Milli(paid_at) > 0)) AS payments,
            arraySort(groupArrayIf((expired_at, sale), toUnixTimestamp64Milli(expired_at) > 0))
                AS expiries,
            -- Stores say more than once that a subscription has ended.
            arrayMap(one -> one.2, arrayFilter((one, nth) -> nth = 1 OR arrayExists(
                paid -> paid.1 > expiries[nth - 1].1 AND paid.1 <= one.1, payments),
                expiries, arrayEnumerate(expiries))) AS ends
        FROM genuine
        GROUP BY app, life
    ),
    moments AS
    (
        SELECT p.app AS app, p.sold AS sold, p.sold_in AS sold_in, moment.1 AS mark, moment.2 AS at
        FROM
        (
            SELECT p.*, l.had_trial AS had_trial, l.had_start AS had_start,
                p.sale = l.payments[1].2 AS is_first, has(l.ends, p.sale) AS is_end
            FROM genuine AS p
            INNER JOIN lives AS l ON l.app = p.app AND l.life = p.life
        ) AS p
        ARRAY JOIN [
            ('trial', trial_at),
            (multiIf(is_first AND had_trial, 'conversion', is_first AND had_start, 'start', 'renewal'),
                paid_at),
            ('cancellation', cancelled_at),
            ('failure', failed_at),
            (if(is_end, 'churn', 'ended'), expired_at)
        ] AS moment
        WHERE toUnixTimestamp64Milli(moment.2) > 0 AND moment.1 != 'ended'
    ),
    lines AS
    (
        SELECT toDate(at) AS on_day, app, sold, sold_in AS unit, mark, toInt128(0) AS micros,
            toInt128(0) AS refunded, toInt128(0) AS net
        FROM moments
        UNION ALL
        SELECT on_day, s.app, p.sold, unit, '', micros, if(what = 'refund', micros, 0), net
        FROM steps AS s
        INNER JOIN periods AS p ON p.app = s.app AND p.sale = s.sale
        WHERE micros != 0
    )
SELECT on_day AS day, app AS app_id, sold AS product_id, unit AS currency,
    countIf(mark = 'trial') AS trials, countIf(mark = 'conversion') AS conversions,
    countIf(mark = 'start') AS starts, countIf(mark = 'renewal') AS renewals,
    countIf(mark = 'cancellation') AS cancellations, countIf(mark = 'failure') AS billing_failures,
    countIf(mark = 'churn') AS churned,
    toDecimal128(sum(lines.micros), 6) / 1000000 AS revenue,
    toDecimal128(sum(lines.refunded), 6) / 1000000 AS refunds,
    toDecimal128(sum(lines.net), 6) / 1000000 AS net_revenue
FROM lines
GROUP BY day, app_id, product_id, currency
COMMENT 'Subscriptions per day, app, product and currency: trials, payments, cancellations and churn.';
