-- Columns of what producers say beside ids, money and times, and of what they were taken for: test
-- traffic, a wrong clock, a step of a transaction. Rows stored before have the defaults.

ALTER TABLE touches
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset,
    ADD COLUMN IF NOT EXISTS reported_time DateTime64(3, 'UTC') COMMENT 'When it happened, as the producer said; 0 (1970-01-01): as event_time.' AFTER environment,
    ADD COLUMN IF NOT EXISTS time_correction LowCardinality(String) COMMENT 'Why the time differs from the reported one; empty when it does not.' AFTER reported_time,
    ADD COLUMN IF NOT EXISTS sub_site_id String COMMENT 'Part of the site, or the publisher behind it.' AFTER time_correction,
    ADD COLUMN IF NOT EXISTS keyword String COMMENT 'Search term that the ad was shown for.' AFTER sub_site_id,
    ADD COLUMN IF NOT EXISTS adset_name LowCardinality(String) COMMENT 'Name of the ad set.' AFTER keyword,
    ADD COLUMN IF NOT EXISTS ad_name String COMMENT 'Name of the ad.' AFTER adset_name,
    ADD COLUMN IF NOT EXISTS cost_model LowCardinality(String) COMMENT 'What is paid for: cpc, cpi, cpm or cpa; empty when there is no cost.' AFTER ad_name,
    ADD COLUMN IF NOT EXISTS is_retargeting Bool COMMENT 'Whether the ad was for people who have the app.' AFTER cost_model,
    ADD COLUMN IF NOT EXISTS is_restricted Bool COMMENT 'Whether the network forbids to show its name for single users.' AFTER is_retargeting,
    ADD COLUMN IF NOT EXISTS app_version LowCardinality(String) COMMENT 'Version of the app that the event came from.' AFTER is_restricted,
    ADD COLUMN IF NOT EXISTS os_version LowCardinality(String) COMMENT 'Version of the operating system.' AFTER app_version,
    ADD COLUMN IF NOT EXISTS device_model LowCardinality(String) COMMENT 'Model of the device.' AFTER os_version;

ALTER TABLE attributions
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset,
    ADD COLUMN IF NOT EXISTS reported_time DateTime64(3, 'UTC') COMMENT 'First open, as the producer reported it; 0 (1970-01-01): as install_time.' AFTER environment,
    ADD COLUMN IF NOT EXISTS time_correction LowCardinality(String) COMMENT 'Why the time differs from the reported one; empty when it does not.' AFTER reported_time,
    ADD COLUMN IF NOT EXISTS sub_site_id String COMMENT 'Part of the site, or the publisher behind it.' AFTER time_correction,
    ADD COLUMN IF NOT EXISTS keyword String COMMENT 'Search term that the ad was shown for.' AFTER sub_site_id,
    ADD COLUMN IF NOT EXISTS adset_name LowCardinality(String) COMMENT 'Name of the ad set.' AFTER keyword,
    ADD COLUMN IF NOT EXISTS ad_name String COMMENT 'Name of the ad.' AFTER adset_name,
    ADD COLUMN IF NOT EXISTS app_version LowCardinality(String) COMMENT 'Version of the app that the event came from.' AFTER ad_name,
    ADD COLUMN IF NOT EXISTS os_version LowCardinality(String) COMMENT 'Version of the operating system.' AFTER app_version,
    ADD COLUMN IF NOT EXISTS device_model LowCardinality(String) COMMENT 'Model of the device.' AFTER os_version,
    ADD COLUMN IF NOT EXISTS store LowCardinality(String) COMMENT 'Store that the app came from, as the producer named it.' AFTER device_model,
    ADD COLUMN IF NOT EXISTS install_version LowCardinality(String) COMMENT 'Version of the app that was installed first, by the store.' AFTER store,
    ADD COLUMN IF NOT EXISTS is_restricted Bool COMMENT 'Whether the network forbids to show its name for single users.' AFTER install_version,
    ADD COLUMN IF NOT EXISTS settles_at DateTime64(3, 'UTC') COMMENT 'Log time from which the decision changes no more in time; 0 (1970-01-01): unknown.' AFTER is_restricted;

ALTER TABLE fraud_verdicts
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER decided_at;

ALTER TABLE credits
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER decided_at;

ALTER TABLE revenue
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset,
    ADD COLUMN IF NOT EXISTS reported_time DateTime64(3, 'UTC') COMMENT 'When it happened, as the producer said; 0 (1970-01-01): as event_time.' AFTER environment,
    ADD COLUMN IF NOT EXISTS time_correction LowCardinality(String) COMMENT 'Why the time differs from the reported one; empty when it does not.' AFTER reported_time,
    ADD COLUMN IF NOT EXISTS event_id String COMMENT 'Event that reported the money.' AFTER time_correction,
    ADD COLUMN IF NOT EXISTS step LowCardinality(String) COMMENT 'What happened to the transaction: purchase, start, renewal, refund, chargeback, reversed, restored or another kind of the contract.' AFTER event_id,
    ADD COLUMN IF NOT EXISTS receipt_status LowCardinality(String) COMMENT 'Receipt of the store: valid, invalid, pending or unchecked; empty for other money.' AFTER step,
    ADD COLUMN IF NOT EXISTS original_transaction_id String COMMENT 'First transaction of a subscription, or the purchase that was restored; empty: not stated.' AFTER receipt_status,
    ADD COLUMN IF NOT EXISTS net_micros Int64 COMMENT 'Signed amount after the store''s fee and tax, in millionths; meaningful if is_net_known.' AFTER original_transaction_id,
    ADD COLUMN IF NOT EXISTS fee_micros Int64 COMMENT 'Signed fee of the store, in millionths of the currency; 0: not stated.' AFTER net_micros,
    ADD COLUMN IF NOT EXISTS tax_micros Int64 COMMENT 'Signed tax, in millionths of the currency; 0: not stated.' AFTER fee_micros,
    ADD COLUMN IF NOT EXISTS is_net_known Bool COMMENT 'Whether the producer stated the net amount, or what it follows from.' AFTER tax_micros,
    ADD COLUMN IF NOT EXISTS quantity Int64 DEFAULT 1 COMMENT 'How many were bought at once.' AFTER is_net_known,
    ADD COLUMN IF NOT EXISTS is_trial Bool COMMENT 'Whether the step belongs to a trial period.' AFTER quantity,
    ADD COLUMN IF NOT EXISTS offer_id LowCardinality(String) COMMENT 'Offer of the store under which it was bought.' AFTER is_trial,
    ADD COLUMN IF NOT EXISTS period_start_time DateTime64(3, 'UTC') COMMENT 'Begin of the period that was paid for; 0 (1970-01-01): not stated.' AFTER offer_id,
    ADD COLUMN IF NOT EXISTS period_end_time DateTime64(3, 'UTC') COMMENT 'End of that period; 0 (1970-01-01): not stated.' AFTER period_start_time,
    ADD COLUMN IF NOT EXISTS mediation_network LowCardinality(String) COMMENT 'Platform that chose the network of the ad.' AFTER period_end_time,
    ADD COLUMN IF NOT EXISTS monetization_network LowCardinality(String) COMMENT 'Network that paid for the ad.' AFTER mediation_network,
    ADD COLUMN IF NOT EXISTS ad_unit LowCardinality(String) COMMENT 'Ad unit that was shown.' AFTER monetization_network,
    ADD COLUMN IF NOT EXISTS ad_format LowCardinality(String) COMMENT 'Format of the ad, as the producer named it.' AFTER ad_unit,
    ADD COLUMN IF NOT EXISTS placement LowCardinality(String) COMMENT 'Where in the app the ad was shown.' AFTER ad_format,
    ADD COLUMN IF NOT EXISTS precision LowCardinality(String) COMMENT 'How exact ad revenue is: exact, estimated, publisher_defined or undisclosed; empty for other money.' AFTER placement;

ALTER TABLE spend
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset;

ALTER TABLE postback_rows
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset;

ALTER TABLE parked
    ADD COLUMN IF NOT EXISTS environment LowCardinality(String) DEFAULT 'production' COMMENT 'production, or sandbox: a test, which no view counts.' AFTER source_offset;
