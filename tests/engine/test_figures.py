from engine.metrics import BUCKETS_S, Duration, Figures, Reading


def test_a_duration_falls_into_every_bucket_that_is_wide_enough():
    one = Duration().with_one(0.3)
    assert one.count == 1
    assert one.sum_s == 0.3
    assert [bound for bound, n in zip(BUCKETS_S, one.buckets, strict=True) if n] == [
        bound for bound in BUCKETS_S if bound >= 0.3
    ]


def test_one_longer_than_every_bound_is_counted_all_the_same():
    one = Duration().with_one(1e6)
    assert one.count == 1
    assert sum(one.buckets) == 0


def test_readings_of_several_processes_add_up():
    first, second = Figures(), Figures()
    first.count("events", 2)
    second.count("events", 3)
    second.count("retries")
    first.observe("flush", 0.02)
    second.observe("flush", 0.2)
    second.observe("infer", 1.0)
    together = sum((first.read(), second.read()), Reading())
    assert together.counts == {"events": 5, "retries": 1}
    assert together.durations["flush"] == Duration().with_one(0.02).with_one(0.2)
    assert together.durations["infer"].count == 1


def test_a_reading_does_not_change_with_what_comes_after_it():
    figures = Figures()
    figures.count("events")
    before = figures.read()
    figures.count("events")
    assert before.counts == {"events": 1}
