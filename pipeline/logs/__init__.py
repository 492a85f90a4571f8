"""Reading recorded logs as samples: ROS 1 bags, MCAP files and ROS 2 bags."""

from pipeline.logs.log import Log
from pipeline.logs.topic import Gap, Topic

__all__ = ["Gap", "Log", "Topic"]
