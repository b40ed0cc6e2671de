"""What other systems call our fields and event types, so that advice can name both.

Vocabulary of AppsFlyer, Adjust, Branch, Singular, Segment, Amplitude, Mixpanel, Firebase and GA4,
RevenueCat, the stores and the mediation networks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def plain_name(name: str) -> str:
    """A name without case and separators: `eventId`, `event-id` and `EVENT_ID` are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


_FIELDS: Mapping[str, str] = {
    "event_id": "eventuuid uuid id messageid insertid guid eventguid msgid dedupid"
    " deduplicationid eventidentifier",
    "app_id": "bundleid bundleidentifier packagename package gameid appbundle application"
    " applicationid apptoken appidentifier app firebaseappid",
    "event_time": "timestamp ts time createdat occurredat originaltimestamp clienttime"
    " createdatunix eventtimestamp eventtimestampms eventtimems eventtimemillis datetime clickedat"
    " installedat installtime purchasedate purchasetime purchasedatems purchasetimemillis"
    " purchasedatms clicktime timestampms timestampmicros senttime eventdate occurred when",
    "type": "eventtype",
    "schema_version": "version schema v schemaver",
    "install_id": "appsflyerid adid installationid appinstanceid anonymousid adjustid installuuid"
    " instanceid deviceid kochavadeviceid singulardeviceid branchid installuid afid",
    "customer_user_id": "userid cuid playerid accountid uid appuserid user externaluserid"
    " distinctid customerid memberid obfuscatedexternalaccountid appaccounttoken",
    "gaid": "advertisingid gpsadid aaid googleadid googleadvertisingid androidadvertisingid",
    "idfa": "iosadvertisingid appleadvertisingid ifa",
    "amount_micros": "amount price revenue value afrevenue eventrevenue amt total pricemicros"
    " priceamountmicros amountcents pricecents revenuecents revenuefloat spend localizedprice sum"
    " adrevenue revenueusd priceusd payout",
    "currency": "currencycode curr cur afcurrency eventcurrency eventrevenuecurrency"
    " pricecurrencycode isocurrencycode adrevenuecurrency",
    "transaction_id": "orderid aforderid storetransactionid txid txnid transaction purchaseid"
    " receiptid aforderid googleplayorderid purchasetoken",
    "original_transaction_id": "originalorderid linkedpurchasetoken",
    "product_id": "sku productidentifier afcontentid itemid product contentid iapid skuid",
    "platform": "os osname deviceplatform platformname",
    "os_version": "osver",
    "app_version": "appver clientversion buildversion",
    "base_currency": "from fromcurrency source sourcecurrency base",
    "quote_currency": "to tocurrency target targetcurrency quote",
    "rate_e9": "rate exchangerate fxrate",
    "date": "day reportdate statdate datestart",
    "monetization_network": "networkname adnetwork adsource demandsource network",
    "mediation_network": "mediation mediationplatform mediator",
    "ad_unit": "adunitid adunitname",
    "country_code": "country geo countryiso countryiso2",
    "campaign_id": "afcampaignid cid",
    "campaign_name": "campaign utmcampaign",
    "media_source": "network networkname partner pid utmsource adnetwork mediasourcename"
    " trackername",
    "touch_id": "clickid impressionid clickuuid clkid transactionidclick afclickid",
    "touch_type": "engagementtype interactiontype adeventtype",
    "site_id": "publisherid subpublisher afsiteid siteidentifier pubid publisher",
    "name": "eventname event action eventkey",
    "session_id": "sid gasessionid",
    "refund_id": "refundid voidid",
    "impression_id": "adimpressionid auctionid impid",
    "ip": "ipaddress clientip deviceip",
    "user_agent": "ua",
    "install_referrer": "referrer playreferrer rawreferrer",
    "value_json": "eventvalue params properties eventproperties metadata extra attributes",
    "environment": "env sandbox issandbox sandboxmode storeenvironment test istest testmode"
    " testpurchase istestpurchase testuser istestuser",
    "is_trial": "trial istrialperiod",
}

FIELD_OF_NAME: Mapping[str, tuple[str, ...]] = {}
"""Plain foreign name -> our fields that it may stand for."""

_SHARED = "nobody paid for what a family shares, so leave the event out"
REMARKS: Mapping[str, str] = {
    "isfamilyshare": _SHARED,
    "familyshare": _SHARED,
    "isfamilyshared": _SHARED,
    "inappownershiptype": f"where it is FAMILY_SHARED, {_SHARED}",
    "purchasetype": 'where it is 0, a test of Google Play, write "environment": "sandbox"',
    "cancelreason": "where it is CUSTOMER_SUPPORT, money was given back, so publish a refund",
    "cancellationreason": "where money was given back, publish a refund",
    "isrefund": "publish a refund, which is an event of its own",
    "isrefunded": "publish a refund, which is an event of its own",
    "revocationdate": "publish a refund, which is an event of its own",
}
"""Plain name of a field that we do not have -> what its producer has to do instead."""

_fields: dict[str, list[str]] = {}
for _ours, _theirs in _FIELDS.items():
    for _name in _theirs.split():
        _fields.setdefault(_name, []).append(_ours)
FIELD_OF_NAME = {name: tuple(ours) for name, ours in _fields.items()}

_TYPES: Mapping[str, str] = {
    "touchpoint": "touch adclick adtouch engagement reengagement",
    "touchpoint click": "click clicked adclicked",
    "touchpoint impression": "impression view adview viewed",
    "install": "firstopen appinstall installed firstlaunch appinstalled reinstall firstrun",
    "session": "appopen sessionstart launch open appopened applicationopened sessionbegin start",
    "in_app_event": "event track custom customevent inappevent iae levelup tutorialcomplete"
    " levelcomplete levelachieved gameevent screen page identify action",
    "purchase": "iap inapppurchase afpurchase buy order ordercompleted payment transaction"
    " purchased nonrenewingpurchase fbmobilepurchase initialpurchasenonrenewing checkout",
    "subscription start": "initialpurchase subscribe afsubscribe subscribed subscriptionstart"
    " subscriptionpurchased",
    "subscription renewal": "renewal renew didrenew subscriptionrenewed",
    "subscription trial_start": "starttrial trial trialstarted afstarttrial",
    "subscription cancel": "cancellation cancelled canceled unsubscribe",
    "subscription expire": "expiration expired",
    "refund": "refunded chargeback voidedpurchase reversal",
    "ad_revenue": "adrevenue ilrd adimpression impressionrevenue admonetization paidadimpression",
    "cost": "spend adspend costs campaigncost",
    "exchange_rate": "rate fx exchangerates currencyrate",
    "skan_postback": "skan skadnetwork skadpostback postback",
    "aak_postback": "aak adattributionkit",
    "privacy_request": "gdpr erasure deletion optout dsr deleterequest forget opendsr",
}

TYPE_OF_NAME: Mapping[str, tuple[str, str]] = {
    name: (ours.partition(" ")[0], ours.partition(" ")[2])
    for ours, names in _TYPES.items()
    for name in names.split()
}
"""Plain foreign name -> our type, and the `touch_type` or `kind` that it says beside."""

_SHAPES: tuple[tuple[str, frozenset[str], str], ...] = tuple(
    (system, frozenset(marks.split()), advice)
    for system, marks, advice in (
        ("a Kafka Connect record", "schema payload", "set value.converter.schemas.enable=false"),
        ("a CloudEvents envelope", "specversion", "publish what stands in data alone"),
        ("a change record of Debezium", "before after op", "publish events, not changes of rows"),
        (
            "a request to a Kafka REST proxy",
            "records",
            "the proxy writes each `value` as a message",
        ),
        ("an Apple server notification", "signedPayload", "decode the signed transaction first"),
        ("a notification of Google Play", "subscriptionNotification", "look the purchase up first"),
        (
            "a notification of Google Play",
            "oneTimeProductNotification",
            "look the purchase up first",
        ),
        (
            "a notification of Google Play",
            "voidedPurchaseNotification",
            "look the purchase up first",
        ),
        ("a test notification of Google Play", "testNotification", "leave it out"),
        ("a push of Google Pub/Sub", "message subscription", "decode what stands in message.data"),
        ("a RevenueCat webhook", "event api_version", "map the fields of event"),
        ("an AppsFlyer event", "appsflyer_id", "map its fields to ours"),
        ("an AppsFlyer event", "appsflyerId", "map its fields to ours"),
        ("an Adjust event", "event_token", "map its fields to ours"),
        ("an Adjust callback", "activity_kind", "map its fields to ours"),
        ("a Firebase or GA4 event", "event_params", "map its fields to ours"),
        ("a Firebase or GA4 request", "app_instance_id", "publish each of its events alone"),
        ("an Amplitude event", "event_properties", "map its fields to ours"),
        ("a Mixpanel event", "event properties distinct_id", "map its fields to ours"),
        ("a Segment call", "messageId", "map its fields to ours"),
        ("a Segment call", "anonymousId", "map its fields to ours"),
        ("a Branch event", "branch_key", "map its fields to ours"),
        ("a Branch event", "user_data event_data", "map its fields to ours"),
    )
)


def shape_of(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Which other system's message this is, and what to do about it; empty when none is known."""
    for system, marks, advice in _SHAPES:
        if marks <= fields.keys():
            return system, advice
    return "", ""
