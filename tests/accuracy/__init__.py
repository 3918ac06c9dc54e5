"""How right the alerts are: classes whose truth is known, played through the very steps that run live."""
