"""Small worlds drawn from a seed: few people, much that is shared, late, repeated or broken.

Times are often placed a millisecond around the deadlines of the rules.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import orjson

from schemas import topics
from schemas.decode import Unreadable, decode
from schemas.time import DAY_MS, HOUR_MS
from tests.simulation.scenarios import advertisements, apple_postbacks, malformed_messages
from tests.simulation.scenarios.advertisements import Fields, Person
from tests.simulation.scenarios.scenario import EARLIEST, RULES, STARTS_AT, Draft, Scenario, written
from tests.simulation.scenarios.trouble import has_trouble, write_trouble


def draw(seed: int) -> Scenario:
    trouble = random.Random(f"trouble {seed}") if has_trouble(seed) else None
    return _Drawing(random.Random(seed), trouble).scenario()


class _Drawing:
    def __init__(self, chance: random.Random, trouble: random.Random | None) -> None:
        self.chance = chance
        self.trouble = trouble
        self.drafts: list[Draft] = []
        self.apps = ["app.one"] if chance.random() < 0.7 else ["app.one", "app.two"]
        self.devices = [
            advertisements.device(number, chance) for number in range(chance.randint(1, 4))
        ]
        self.accounts = [f"user-{number}" for number in range(chance.randint(1, 2))]
        self.clicks = [f"click-{number}" for number in range(chance.randint(1, 6))]
        self.people: list[Person] = []
        self.purchases: list[tuple[Fields, int]] = []
        self.touched: list[tuple[Person, int]] = []
        self.ticks: list[int] = []
        self.events = 0

    def scenario(self) -> Scenario:
        chance = self.chance
        for number in range(chance.randint(1, 6)):
            self._person(number)
        self._many(12, self._touchpoint)
        self._many(8, self._activity)
        self._many(6, self._payment)
        self._many(4, self._refund)
        self._many(2, self._report)
        self._many(2, self._cliff)
        troubles = [] if self.trouble is None else write_trouble(self, self.trouble)
        forgets = chance.random() < 0.25
        if forgets:
            self._many(2, self._erasure)
        self._repeat(latest=2 * DAY_MS if forgets else 8 * DAY_MS)
        for _ in range(chance.choice((0, 0, 1, 3))):
            self._break()
        self.ticks += [self._tick() for _ in range(chance.choice((1, 2, 6)))]
        is_sparse = self.trouble is not None and self.trouble.random() < 0.2
        return written(self.drafts, self.ticks, chance, is_sparse=is_sparse, troubles=troubles)

    def _many(self, most: int, draw_one: Callable[[], None]) -> None:
        for _ in range(self.chance.randint(0, most)):
            draw_one()

    def _person(self, number: int) -> None:
        chance = self.chance
        time = STARTS_AT + 8 * DAY_MS + chance.randrange(6 * DAY_MS)
        if chance.random() < 0.3:  # by then labels of the others have matured
            time += 12 * DAY_MS
        if self.people and chance.random() < 0.2:
            time = self.people[-1].time
        person = Person(
            f"install-{number}",
            chance.choice(self.apps),
            chance.choice([*self.devices, {}]),
            time,
            self._logged(time),
            advertisements.begin_s(time, chance),
            advertisements.place(chance),
        )
        self.people.append(person)
        if chance.random() < 0.8:
            self._install(person)

    def _install(self, person: Person) -> None:
        chance = self.chance
        fields = self.fields("install", person.app_id, person.time)
        fields |= {"install_id": person.install_id, "platform": "android", **person.device}
        fields |= advertisements.origin(person, self.clicks, chance) | person.place
        if chance.random() < 0.3:
            fields["customer_user_id"] = chance.choice(self.accounts)
        self.write(topics.INSTALLS, person.install_id, person.ts, fields)

    def _touchpoint(self) -> None:
        chance = self.chance
        person = chance.choice(self.people)
        time = advertisements.touch_time(person, chance)
        if self.touched and chance.random() < 0.2:
            person, time = self.touched[-1]
        self.touched.append((person, time))
        fields = self.fields("touchpoint", person.app_id, time)
        fields |= advertisements.touchpoint(person, time, self.clicks, chance)
        fields |= advertisements.signature(fields, chance)
        self.write(topics.TOUCHPOINTS, fields["touch_id"], self._logged(time, person.ts), fields)

    def _activity(self) -> None:
        chance = self.chance
        person = chance.choice(self.people)
        is_session = chance.random() < 0.6
        time = person.time + chance.randrange(-DAY_MS, 3 * DAY_MS)
        if is_session:
            time = advertisements.session_time(person, self.touched, chance)
        fields = self.fields("session" if is_session else "in_app_event", person.app_id, time)
        fields["install_id"] = person.install_id
        if is_session:
            fields["session_id"] = fields["event_id"]
            if chance.random() < 0.3:
                fields["touch_id"] = chance.choice(self.clicks)
        else:
            fields["name"] = chance.choice(("level_up", "tutorial"))
        if chance.random() < 0.6:
            fields["customer_user_id"] = chance.choice(self.accounts)
        ts = self._logged(time, chance.choice(self._moments()))
        self.write(topics.ACTIVITY, person.install_id, ts, fields)

    def _payment(self) -> None:
        chance = self.chance
        person = chance.choice(self.people)
        time = person.time + chance.randrange(-DAY_MS, 5 * DAY_MS)
        kind = chance.choice(("purchase", "purchase", "subscription", "ad_revenue"))
        fields = self.fields(kind, person.app_id, time)
        fields |= {"amount_micros": chance.randrange(5) * 990_000, "currency": "USD"}
        if chance.random() < 0.3:
            fields["currency"] = "JPY"
        if kind == "ad_revenue":
            fields["impression_id"] = fields["event_id"]
        else:
            fields["transaction_id"] = f"transaction-{self.events}"
        if kind == "subscription":
            fields["kind"] = "start"
        who = chance.choice(("install", "account", "account", "both"))
        if who != "account":
            fields["install_id"] = person.install_id
        if who != "install":
            fields["customer_user_id"] = chance.choice(self.accounts)
        ts = self._logged(time, chance.choice(self._moments()))
        self.purchases.append((fields, ts))
        if chance.random() < 0.9:
            key = fields.get("install_id") or fields["customer_user_id"]
            self.write(topics.PAYMENTS, key, ts, fields)

    def _refund(self) -> None:
        chance = self.chance
        if not self.purchases:
            return
        paid, paid_ts = chance.choice(self.purchases)
        if "transaction_id" not in paid:
            return
        time = paid["event_time"] + chance.randrange(2 * DAY_MS)
        fields = self.fields("refund", paid["app_id"], time)
        fields |= {
            "refund_id": f"refund-{self.events}",
            "transaction_id": paid["transaction_id"],
            "amount_micros": -paid["amount_micros"],
            "currency": paid["currency"],
        }
        if chance.random() < 0.2:
            fields |= {"kind": "reversed", "amount_micros": paid["amount_micros"]}
        if chance.random() < 0.2:
            fields["customer_user_id"] = chance.choice(self.accounts)
        before = paid_ts - 7 * DAY_MS + chance.choice((-1, 0, 1))
        ts = before if chance.random() < 0.2 else self._logged(time, paid_ts)
        fields["event_time"] = min(time, ts)
        self.write(topics.PAYMENTS, paid["transaction_id"], ts, fields)

    def _report(self) -> None:
        chance = self.chance
        time = STARTS_AT + chance.randrange(20 * DAY_MS)
        cost = self.fields("cost", "app.one", time)
        cost |= {"date": "2026-10-01", "media_source": "north", "currency": "USD"}
        cost |= {"amount_micros": 5_000_000, "revision": chance.randrange(2)}
        self.write(topics.COSTS, "campaign", self._logged(time), cost)
        for kind, body in chance.choices(apple_postbacks.EVERY, k=chance.randint(1, 4)):
            postback = self.fields(kind, "app.one", time) | {"body": body}
            self.write(topics.POSTBACKS, f"{self.events}", self._logged(time), postback)
        request = self.fields("privacy_request", "app.one", time)
        request |= {"subject_request_id": f"request-{self.events}", "request_type": "access"}
        request |= {"identities": [{"identity_type": "email", "identity_value": "x@y.z"}]}
        request |= {"submitted_time": time}
        self.write(topics.PRIVACY_REQUESTS, "", self._logged(time), request)

    def _cliff(self) -> None:
        """What was waited for comes in the last millisecond that counts, or in the next, after
        the clocks of all partitions have struck just that millisecond."""
        chance = self.chance
        person = chance.choice(self.people)
        ts = person.ts - RULES.parking_ms
        self.ticks.append(person.ts)
        name = chance.choice(("session", "purchase", "link"))
        fields = self.fields("session" if name == "session" else "purchase", person.app_id, ts)
        fields["install_id"] = person.install_id
        if name == "session":
            fields["session_id"] = fields["event_id"]
            return self.write(topics.ACTIVITY, person.install_id, ts, fields)
        fields |= {"transaction_id": f"transaction-{self.events}", "currency": "USD"}
        fields["amount_micros"] = 1_000_000
        if name == "link":
            del fields["install_id"]
            fields["customer_user_id"] = account = f"lonely-{self.events}"
            link = self.fields("session", person.app_id, ts) | {"session_id": "s"}
            link |= {"install_id": person.install_id, "customer_user_id": account}
            late = person.ts + chance.choice((0, 0, 1))
            self.write(topics.ACTIVITY, person.install_id, late, link)
        return self.write(topics.PAYMENTS, person.install_id, ts, fields)

    def _erasure(self) -> None:
        """Somebody asks to be forgotten, by a device, an account or an install."""
        chance = self.chance
        person = chance.choice(self.people)
        names = [*person.device.items(), ("install_id", person.install_id)]
        names.append(("customer_user_id", chance.choice(self.accounts)))
        name, value = chance.choice(names)
        ts = person.ts + chance.choice((0, 0, 1, DAY_MS, RULES.late_ms_max, 9 * DAY_MS, -DAY_MS))
        request = self.fields("privacy_request", person.app_id, ts)
        request |= {"subject_request_id": f"request-{self.events}", "request_type": "erasure"}
        request |= {"identities": [{"identity_type": name, "identity_value": value}]}
        self.write(topics.PRIVACY_REQUESTS, "", ts, request | {"submitted_time": ts})

    def _repeat(self, latest: int) -> None:
        """Producers send again what they sent: the same bytes with the same key, later."""
        for draft in self.drafts[:]:
            if self.chance.random() < 0.08:
                # Who is forgotten is so with all event ids, and repeats come as news after that.
                later = draft.ts + self.chance.choice((0, 1_000, 2 * DAY_MS, latest))
                self.drafts.append(draft._replace(ts=later))

    def _break(self) -> None:
        draft = self.chance.choice(self.drafts)
        value = malformed_messages.corrupted(draft.value, self.chance)
        if isinstance(decode(value, draft.topic, draft.ts, EARLIEST), Unreadable):
            self.drafts.append(draft._replace(value=value))

    def fields(self, kind: str, app_id: str, time: int, /) -> Fields:
        self.events += 1
        return {
            "type": kind,
            "schema_version": 1,
            "event_id": f"{kind}-{self.events}",
            "app_id": app_id,
            "event_time": time,
        }

    def write(self, topic: topics.Topic, key: str, ts: int, fields: Fields, /) -> None:
        self.drafts.append(Draft(topic.name, key, ts, orjson.dumps(fields)))

    def _tick(self) -> int:
        """When all clocks tick: somewhere, or exactly at a deadline."""
        chance = self.chance
        if chance.random() < 0.5:
            return chance.choice(self._moments()) + chance.choice((0, RULES.parking_ms))
        return STARTS_AT + 8 * DAY_MS + chance.randrange(30 * DAY_MS)

    def _moments(self) -> list[int]:
        """Log times worth being exactly one deadline away from."""
        return [person.ts for person in self.people] + [ts for _, ts in self.purchases]

    def _logged(self, time: int, reference: int | None = None) -> int:
        """When an event reaches the log; at times exactly a deadline after `reference`."""
        chance = self.chance
        kind = chance.random()
        if reference is not None and kind < 0.15:
            away = RULES.parking_ms + chance.choice((-1, 0, 1))
            return max(time, reference + away * chance.choice((1, 1, 0, -1)))
        if kind < 0.25:
            return time + chance.randrange(9 * DAY_MS)
        if kind < 0.4:
            return time + chance.randrange(3 * HOUR_MS)
        if kind < 0.45:
            return time - chance.randrange(HOUR_MS)
        return time + chance.randrange(5_000)
