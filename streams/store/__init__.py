"""Where outcomes are kept: ClickHouse in a folder or ClickHouse as a server, behind one Store."""
