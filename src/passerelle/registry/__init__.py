"""The city's words on disk: places, series, replies, refused rows, tokens, events, asks, changes, studies, findings."""
