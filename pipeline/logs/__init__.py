"""Reading recorded logs as samples: ROS 1 bags, MCAP files and ROS 2 bags; recording runs, exactly."""

from pipeline.logs.log import Log
from pipeline.logs.recorded import Recorded, is_recorded
from pipeline.logs.recorder import Recorder
from pipeline.logs.topic import Gap, Topic

__all__ = ["Gap", "Log", "Recorded", "Recorder", "Topic", "is_recorded"]
