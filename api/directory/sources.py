"""Which data sources take part in a class, by its type."""

ALWAYS = ("manual_tracking", "app_checkin", "trainer_input", "wearable_integration")
BY_WORD_IN_TYPE = {
    "heart_rate_monitor": ("cardio", "hiit", "spin", "run", "cycl", "row", "interval", "tempo"),
    "movement_sensor": ("strength", "weight", "functional", "crossfit"),
}


def active_sources(class_type: str) -> list[str]:
    """Names of the sources that a class of this type collects from."""
    kind = class_type.lower()
    return [*ALWAYS, *(source for source, words in BY_WORD_IN_TYPE.items() if any(word in kind for word in words))]
