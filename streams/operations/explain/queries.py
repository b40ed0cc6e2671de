"""The SQL of an explanation. `{name}` stands for a value; a test checks every column."""

from __future__ import annotations

SELECT_DECISIONS = """
SELECT conversion_id, install_id, event_id, version, supersedes, reason, conversion_type, status,
    app_id, platform, country_code, install_time, conversion_time, expires_at,
    prior_install_id, media_source, channel, campaign_id, campaign_name, site_id, touch_id,
    touch_type, touch_time, ctit_s, match_type, match_confidence, click_window_s, view_window_s,
    probabilistic_click_window_s, probabilistic_view_window_s, reattribution_window_s,
    inactivity_s, fraud_status, fraud_reason, rejected_media_source, rejected_campaign_id,
    rejected_touch_id, rejected_reason, contributors, rule_set, model_version, candidates,
    decided_at, settles_at
FROM attributions WHERE app_id = {app} AND install_id = {id}
ORDER BY conversion_id != install_id, conversion_time, conversion_id, version
LIMIT 1 BY conversion_id, version
"""
SELECT_FRAUD = """
SELECT stage, reason, sub_reason, value, mode, touch_id, media_source, campaign_id, site_id,
    real_source, decided_at
FROM fraud_verdicts WHERE app_id = {app} AND install_id = {id}
ORDER BY decided_at, verdict_id LIMIT 1 BY verdict_id
"""
SELECT_CREDITS = """
SELECT conversion_id, version, method, model_version, shares
FROM v_credits WHERE app_id = {app} AND install_id = {id}
ORDER BY conversion_id, method
"""
SELECT_REVENUE = """
SELECT booking_id, kind, is_relink, amount_micros, currency, product_id, transaction_id, event_time,
    install_id, source_topic, source_partition, source_offset
FROM revenue WHERE app_id = {app} AND install_id = {id}
ORDER BY event_time, booking_id LIMIT 1 BY booking_id
"""
SELECT_PAYERS = """
SELECT DISTINCT app_id, install_id FROM revenue
WHERE transaction_id = {id} OR money_id = {id} OR event_id = {id}
    OR endsWith(money_id, concat('refund ', app_id, ':', transaction_id, {tail}))
"""
SELECT_PREDICTIONS = """
SELECT target, landmark, landmark_time, horizon, probability, chances, amounts, currency,
    is_extrapolated, value_version, segment, tier, tier_reason, arm, model_version, shadow
FROM predictions WHERE app_id = {app} AND install_id = {id}
ORDER BY landmark_time, landmark, target LIMIT 1 BY prediction_id
"""
SELECT_PARKED = """
SELECT subject_id, app_id, state, waits_for, kind, amount_micros, currency, deadline, event_id,
    source_topic, source_partition, source_offset
FROM parked
WHERE subject_id = {id} OR event_id = {id} OR endsWith(subject_id, {tail})
    OR startsWith(subject_id, {head}) OR position(subject_id, {middle}) > 0
ORDER BY subject_id, log_offset LIMIT 1 BY parked_id
"""
SELECT_EVENTS = """
SELECT 'touches' AS table, event_id, touch_id AS other_id, source_topic, source_partition,
    source_offset, app_id, '' AS install_id
FROM touches WHERE event_id = {id} OR touch_id = {id}
UNION ALL SELECT 'attributions', event_id, conversion_id, source_topic, source_partition,
    source_offset, app_id, install_id
FROM attributions WHERE event_id = {id} OR install_id = {id} OR conversion_id = {id}
UNION ALL SELECT 'revenue', event_id, transaction_id, source_topic, source_partition,
    source_offset, app_id, install_id
FROM revenue WHERE event_id = {id} OR transaction_id = {id} OR money_id = {id}
    OR endsWith(money_id, concat('refund ', app_id, ':', transaction_id, {tail}))
UNION ALL SELECT 'spend', event_id, spend_id, source_topic, source_partition, source_offset,
    app_id, ''
FROM spend WHERE event_id = {id}
UNION ALL SELECT 'rates', event_id, rate_id, source_topic, source_partition, source_offset, '', ''
FROM rates WHERE event_id = {id}
UNION ALL SELECT 'postback_rows', event_id, postback_id, source_topic, source_partition,
    source_offset, app_id, ''
FROM postback_rows WHERE event_id = {id} OR postback_id = {id} OR transaction_id = {id}
UNION ALL SELECT 'privacy_rows', subject_request_id, '', source_topic, source_partition,
    source_offset, app_id, ''
FROM privacy_rows WHERE subject_request_id = {id}
"""
SELECT_REPEATS = """
SELECT repeat_ids[place] AS event_id, repeats_of[place] AS repeats, source_topic,
    source_partition, repeat_offsets[place] AS source_offset
FROM (SELECT * FROM ledger WHERE disposition = 'duplicate'
    AND (has(repeat_ids, {id}) OR has(repeats_of, {id})))
ARRAY JOIN arrayEnumerate(repeat_ids) AS place
WHERE event_id = {id} OR repeats = {id}
ORDER BY source_topic, source_partition, source_offset
LIMIT 1 BY log_epoch, source_topic, source_partition, source_offset
"""
SELECT_REPEAT_AT = """
SELECT repeat_ids[place] AS event_id, repeats_of[place] AS repeats, source_topic,
    source_partition, repeat_offsets[place] AS source_offset
FROM (SELECT * FROM ledger WHERE disposition = 'duplicate'
    AND source_topic = {topic} AND source_partition = {partition} AND has(repeat_offsets, {offset}))
ARRAY JOIN arrayEnumerate(repeat_ids) AS place
WHERE source_offset = {offset}
"""
SELECT_ORIGINAL = """
SELECT event_id, source_topic, source_partition, source_offset, app_id
FROM revenue WHERE (transaction_id = {id} OR money_id = {id}) AND event_id != ''
UNION ALL SELECT event_id, source_topic, source_partition, source_offset, app_id
FROM attributions WHERE conversion_id = {id}
"""
SELECT_POSTBACKS = """
SELECT postback_id, event_id, app_id, framework, version, ad_network_id, transaction_id,
    sequence_index, did_win, conversion_type, conversion_value, coarse_value, conversion_state,
    conversion_events, signature_state, signature_reason, key_id, event_time
FROM postback_rows WHERE event_id = {id} OR postback_id = {id} OR transaction_id = {id}
ORDER BY event_time, event_id, log_offset LIMIT 1 BY event_id
"""
SELECT_DEAD_LETTERS = """
SELECT reason, detail, source_topic, source_partition, source_offset, received_at,
    left(base64Decode(payload), 300) AS payload_begins,
    JSONExtractString(base64Decode(payload), 'event_id') AS event_id,
    JSONExtractString(base64Decode(payload), 'app_id') AS app_id
FROM dead_letters
WHERE position(base64Decode(payload), {quoted}) > 0
ORDER BY source_topic, source_partition, source_offset
"""
SELECT_DEAD_LETTER_AT = """
SELECT reason, detail, source_topic, source_partition, source_offset, received_at,
    left(base64Decode(payload), 300) AS payload_begins,
    JSONExtractString(base64Decode(payload), 'event_id') AS event_id,
    JSONExtractString(base64Decode(payload), 'app_id') AS app_id
FROM dead_letters
WHERE source_topic = {topic} AND source_partition = {partition} AND source_offset = {offset}
"""
SELECT_QUARANTINED = """
SELECT quarantine_id, stage, kind, error, detail, state_key, app_id, install_id, received_at,
    source_topic, source_partition, source_offset
FROM quarantined
WHERE quarantine_id = {id} OR state_key = {id} OR install_id = {id}
    OR endsWith(state_key, {tail}) OR position(base64Decode(payload), {quoted}) > 0
ORDER BY received_at, quarantine_id, log_partition, log_offset
LIMIT 1 BY log_epoch, quarantine_id
"""
SELECT_QUARANTINED_AT = """
SELECT quarantine_id, stage, kind, error, detail, state_key, app_id, install_id, received_at,
    source_topic, source_partition, source_offset
FROM quarantined
WHERE source_topic = {topic} AND source_partition = {partition} AND source_offset = {offset}
ORDER BY received_at, quarantine_id, log_partition, log_offset
LIMIT 1 BY log_epoch, quarantine_id
"""
SELECT_CONSIDERED = """
SELECT DISTINCT app_id, install_id FROM attributions
WHERE install_id = {id} OR event_id = {id} OR conversion_id = {id} OR touch_id = {id}
    OR rejected_touch_id = {id} OR position(candidates, {named}) > 0
ORDER BY app_id, install_id
"""
SELECT_FATE = """
SELECT disposition, epoch FROM v_accounting
WHERE source_topic = {topic} AND source_partition = {partition} AND source_offset = {offset}
"""
