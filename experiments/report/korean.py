"""The Korean texts."""

KOREAN: dict[str, str] = {}
