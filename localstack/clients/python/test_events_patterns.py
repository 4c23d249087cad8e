"""Owns the meaning of event patterns, each operator with what it takes and what it leaves.

Never a rule: TestEventPattern asks for the pattern alone.
Next: test_events_delivery.py, where rules use them.
"""

import json

import pytest

EVENT = {
    "id": "1", "account": "000000000000", "source": "orders.shop", "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1", "resources": ["arn:a", "arn:b"], "detail-type": "Order Placed",
    "detail": {
        "state": "running", "count": 5, "price": 10.5, "ok": True, "none": None, "path": "/img/cat.png",
        "ip": "10.0.3.7", "tags": ["red", "blue"], "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}], "empty": "",
    },
}

TAKEN = [
    {"source": ["orders.shop"]},
    {"source": ["x", "orders.shop"]},
    {"resources": ["arn:b"]},
    {"detail": {"count": [5]}},
    {"detail": {"ok": [True], "none": [None], "empty": [""]}},
    {"source": [{"prefix": "orders."}]},
    {"source": [{"prefix": {"equals-ignore-case": "ORDERS"}}]},
    {"detail": {"path": [{"suffix": ".png"}]}},
    {"detail": {"path": [{"suffix": {"equals-ignore-case": ".PNG"}}]}},
    {"detail": {"state": [{"anything-but": "stopped"}]}},
    {"detail": {"state": [{"anything-but": ["stopped", "dead"]}]}},
    {"detail": {"count": [{"anything-but": [4, 6]}]}},
    {"detail": {"state": [{"anything-but": {"prefix": "stop"}}]}},
    {"detail": {"path": [{"anything-but": {"suffix": ".gif"}}]}},
    {"detail": {"state": [{"anything-but": {"equals-ignore-case": "STOPPED"}}]}},
    {"detail": {"path": [{"anything-but": {"wildcard": "*.gif"}}]}},
    {"detail": {"count": [{"numeric": [">", 0, "<=", 5]}]}},
    {"detail": {"price": [{"numeric": ["=", 10.5]}]}},
    {"detail": {"count": [{"numeric": ["<", 3]}, {"numeric": [">", 4]}]}},
    {"detail": {"count": [{"exists": True}], "absent": [{"exists": False}]}},
    {"detail": {"path": [{"wildcard": "/img/*.png"}]}},
    {"detail-type": [{"equals-ignore-case": "order placed"}]},
    {"detail": {"ip": [{"cidr": "10.0.0.0/16"}]}},
    {"detail": {"tags": ["blue"]}},
    {"detail": {"lines": {"sku": ["b"], "n": [2]}}},
    {"$or": [{"source": ["no"]}, {"detail": {"count": [{"numeric": [">", 4]}]}}]},
    {"source": ["orders.shop"], "detail": {"$or": [{"state": ["running"]}, {"count": [9]}]}},
]

LEFT = [
    {"source": ["orders"]},
    {"detail": {"count": ["5"]}},
    {"detail": {"absent": ["x"]}},
    {"source": ["orders.shop"], "detail": {"state": ["stopped"]}},
    {"source": [{"prefix": "shop"}]},
    {"detail": {"path": [{"suffix": ".gif"}]}},
    {"detail": {"state": [{"anything-but": "running"}]}},
    {"detail": {"state": [{"anything-but": {"prefix": "run"}}]}},
    {"detail": {"absent": [{"anything-but": "x"}]}},
    {"detail": {"path": [{"anything-but": {"wildcard": "*.png"}}]}},
    {"detail": {"count": [{"numeric": [">", 5]}]}},
    {"detail": {"state": [{"numeric": [">", 0]}]}},
    {"detail": {"count": [{"exists": False}]}},
    {"detail": {"absent": [{"exists": True}]}},
    {"detail": {"path": [{"wildcard": "/img/*.gif"}]}},
    {"detail": {"ip": [{"cidr": "10.1.0.0/16"}]}},
    {"detail": {"tags": ["green"]}},
    {"$or": [{"source": ["no"]}, {"detail": {"count": [6]}}]},
]


def told(pattern):
    return json.dumps(pattern, sort_keys=True)


@pytest.mark.parametrize("pattern", TAKEN, ids=told)
def test_takes(events, pattern):
    assert events.test_event_pattern(EventPattern=told(pattern), Event=json.dumps(EVENT))["Result"] is True


@pytest.mark.parametrize("pattern", LEFT, ids=told)
def test_leaves(events, pattern):
    assert events.test_event_pattern(EventPattern=told(pattern), Event=json.dumps(EVENT))["Result"] is False


@pytest.mark.parametrize("pattern", [
    "[]", "no json", '{"a": 1}', '{"a": []}', '{"a": [{"numeric": [">"]}]}', '{"a": [{"numeric": ["!", 1]}]}',
    '{"a": [{"cidr": "nonsense"}]}', '{"a": [{"exists": "yes"}]}', '{"a": [{"wildcard": "a**b"}]}', '{"a": [{"anything-but": {}}]}',
])
def test_refuses(events, pattern):
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))


def test_an_event_must_have_its_envelope(events):
    for event in ("no json", '{"source": "only"}'):
        with pytest.raises(events.exceptions.ClientError) as refused:
            events.test_event_pattern(EventPattern=told({"source": ["only"]}), Event=event)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
