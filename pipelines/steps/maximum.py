"""Maximum heart rate where none was measured."""


def estimated_max_heart_rate_bpm(age_years: float) -> float:
    """208 − 0.7 · age (Tanaka, Monahan and Seals 2001), for adults; the standard deviation between people is about 10 bpm."""
    return 208 - 0.7 * age_years
