"""Easel, a Discord bot that talks and paints and keeps its books."""
