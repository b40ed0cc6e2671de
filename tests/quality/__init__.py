"""False alarms and detection of `v_quality_issues`, on hours that are drawn."""
